#include "server/export/moodle_xml.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base64.h"

/* Writes the character that begins at `text`, which is UTF-8, and returns its length; of a longer one it may
 * be the first byte. XML has no way to write most control characters, nor U+FFFE and U+FFFF, and takes a CR
 * for the end of a line. */
static int put_character(FILE *out, const char *text)
{
    unsigned char c = (unsigned char)*text;
    if (!strncmp(text, "\xEF\xBF\xBE", 3) || !strncmp(text, "\xEF\xBF\xBF", 3)) return 3;
    if (c == '&')
        fputs("&amp;", out);
    else if (c == '<')
        fputs("&lt;", out);
    else if (c == '>')
        fputs("&gt;", out);
    else
        putc(c < ' ' && c != '\t' && c != '\n' ? ' ' : c, out);
    return 1;
}

static void put_text(FILE *out, const char *text)
{
    while (*text) text += put_character(out, text);
}

/* Text inside HTML that is itself the text of an XML element: escaped twice. */
static void put_html(FILE *out, const char *text)
{
    while (*text) {
        const char *entity = *text == '&'   ? "&amp;amp;"
                             : *text == '<' ? "&amp;lt;"
                             : *text == '>' ? "&amp;gt;"
                                            : NULL;
        if (entity) fputs(entity, out);
        text += entity ? 1 : put_character(out, text);
    }
}

/* In a category's path a slash separates, two are one of the name. */
static void put_category(FILE *out, const char *title)
{
    while (*title) {
        if (*title == '/') putc('/', out);
        title += put_character(out, title);
    }
}

void srv_moodle_head(FILE *out, const struct srv_deck *deck)
{
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<quiz>\n"
          "<question type=\"category\"><category><text>$course$/top/",
          out);
    put_category(out, deck->title);
    fputs("</text></category><info format=\"plain_text\"><text>", out);
    put_text(out, deck->description);
    fputs("</text></info></question>\n", out);
}

/* The same for every image of the deck: it must not tell the one from the other. */
static const char *notice(const struct srv_deck *deck)
{
    bool drawn = deck->list_count > 0, taken = false;
    for (int i = 0; i < deck->source_count; i++)
        if (*deck->sources[i].collection)
            taken = true;
        else
            drawn = true;
    if (!taken) return "A synthetic image, made by a computer. Not for diagnosis.";
    return drawn ? "The image may be synthetic, made by a computer. Not for diagnosis."
                 : "Not for diagnosis.";
}

static void put_asked(FILE *out, const struct srv_deck *deck, int n)
{
    fprintf(out,
            "<questiontext format=\"html\"><text>&lt;p&gt;&lt;img src=\"@@PLUGINFILE@@/image-%03d.png\" "
            "alt=\"Radiograph %d of %d\"/&gt;&lt;/p&gt;&lt;p&gt;",
            n, n, deck->items);
    put_html(out, deck->question);
    fputs("&lt;/p&gt;&lt;p&gt;True: ", out);
    put_html(out, deck->choices[DECK_YES].label);
    fputs(". False: ", out);
    put_html(out, deck->choices[DECK_NO].label);
    fputs(".&lt;/p&gt;&lt;p&gt;&lt;small&gt;", out);
    put_html(out, notice(deck));
    fputs("&lt;/small&gt;&lt;/p&gt;</text>\n", out);
}

static void put_told(FILE *out, const struct srv_deck *deck, const struct srv_moodle_image *image)
{
    fputs("<generalfeedback format=\"html\"><text>&lt;p&gt;", out);
    put_html(out, deck->choices[image->truth].label);
    fputs(" (", out);
    put_html(out, image->class_name);
    fputs("). ", out);
    put_html(out, image->origin);
    fputs("&lt;/p&gt;</text></generalfeedback>\n", out);
}

bool srv_moodle_question(FILE *out, const struct srv_deck *deck, const struct srv_moodle_image *image)
{
    bool yes = image->truth == DECK_YES;
    char *base64 = malloc(NN_BASE64_TEXT(image->png->size_bytes));
    if (!base64) return false;
    nn_base64(image->png->bytes, image->png->size_bytes, base64);
    fputs("<question type=\"truefalse\"><name><text>", out);
    put_text(out, deck->title);
    fprintf(out, " %03d</text></name>\n", image->n);
    put_asked(out, deck, image->n);
    fprintf(out, "<file name=\"image-%03d.png\" path=\"/\" encoding=\"base64\">%s</file></questiontext>\n",
            image->n, base64);
    free(base64);
    put_told(out, deck, image);
    fprintf(out,
            "<defaultgrade>1</defaultgrade><penalty>1</penalty><hidden>0</hidden>\n"
            "<answer fraction=\"%d\" format=\"moodle_auto_format\"><text>true</text>"
            "<feedback format=\"html\"><text></text></feedback></answer>\n"
            "<answer fraction=\"%d\" format=\"moodle_auto_format\"><text>false</text>"
            "<feedback format=\"html\"><text></text></feedback></answer>\n</question>\n",
            yes ? 100 : 0, yes ? 0 : 100);
    return true;
}

void srv_moodle_end(FILE *out)
{
    fputs("</quiz>\n", out);
}
