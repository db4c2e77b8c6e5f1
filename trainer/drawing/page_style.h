/* How the pages that the trainer writes look, on a screen and in print: the text of their style element. */
#ifndef TR_PAGE_STYLE_H
#define TR_PAGE_STYLE_H

extern const char tr_page_style[];

#endif
