// The only file that knows GDCM. No exception leaves it.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#include <gdcmImageReader.h>
#include <gdcmMediaStorage.h>
#include <gdcmSequenceOfFragments.h>
#include <gdcmTrace.h>

extern "C" {
#include "engine/image.h"
#include "trainer/ingest/dicom.h"
}

namespace
{

using gdcm::DataElement;
using gdcm::DataSet;
using gdcm::Tag;

const std::streamoff MOST_BESIDE_PIXELS = 64 << 20;

struct Refusal {
    std::string text;
};

// What GDCM and its decoders print: it is how they say that they have made pixels up.
class Mutterings
{
  public:
    Mutterings() : old_(dup(STDERR_FILENO)), kept_(memfd_create("mutterings", MFD_CLOEXEC))
    {
        if (old_ >= 0 && kept_ >= 0) dup2(kept_, STDERR_FILENO);
    }
    ~Mutterings()
    {
        std::fflush(stderr);
        if (old_ >= 0) dup2(old_, STDERR_FILENO);
        if (old_ >= 0) close(old_);
        if (kept_ >= 0) close(kept_);
    }
    Mutterings(const Mutterings &) = delete;
    Mutterings &operator=(const Mutterings &) = delete;

    std::string text() const
    {
        char start[1024];
        std::fflush(stderr);
        ssize_t size = kept_ >= 0 ? pread(kept_, start, sizeof start, 0) : 0;
        return std::string(start, size > 0 ? static_cast<size_t>(size) : 0);
    }

  private:
    int old_, kept_;
};

const DataElement *find(const DataSet &set, Tag tag)
{
    if (!set.FindDataElement(tag)) return nullptr;
    const DataElement &element = set.GetDataElement(tag);
    return element.IsEmpty() ? nullptr : &element;
}

// The value as bytes; "" where there is none.
std::string bytes_of(const DataSet &set, Tag tag)
{
    const DataElement *element = find(set, tag);
    const gdcm::ByteValue *value = element ? element->GetByteValue() : nullptr;
    return value ? std::string(value->GetPointer(), value->GetLength()) : std::string();
}

// Value `index` of several that a backslash parts, without the blanks and zeros that pad it.
std::string text_of(const DataSet &set, Tag tag, int index = 0)
{
    std::string all = bytes_of(set, tag);
    size_t from = 0;
    for (; index > 0 && from != std::string::npos; index--) {
        from = all.find('\\', from);
        if (from != std::string::npos) from++;
    }
    if (from == std::string::npos) return "";
    std::string one = all.substr(from, all.find('\\', from) - from);
    const char *const padding = " \0\t\r\n";
    size_t first = one.find_first_not_of(padding, 0, 5),
           last = one.find_last_not_of(padding, std::string::npos, 5);
    return first == std::string::npos ? "" : one.substr(first, last - first + 1);
}

bool number_of(const DataSet &set, Tag tag, int index, double *value)
{
    std::string text = text_of(set, tag, index);
    char *end;
    double number = std::strtod(text.c_str(), &end);
    if (text.empty() || *end || !(number > -1e12 && number < 1e12)) return false;
    *value = number;
    return true;
}

int whole_of(const DataSet &set, Tag tag, int otherwise)
{
    double value;
    return number_of(set, tag, 0, &value) && value > -1e9 && value < 1e9 ? static_cast<int>(value)
                                                                         : otherwise;
}

// Value `index` of a 16-bit element; GDCM has turned them to the host's order.
bool short_of(const DataSet &set, Tag tag, size_t index, bool is_signed, int *value)
{
    std::string bytes = bytes_of(set, tag);
    if (bytes.size() < 2 * index + 2) return false;
    uint16_t bits;
    std::memcpy(&bits, bytes.data() + 2 * index, 2);
    *value = is_signed ? static_cast<int16_t>(bits) : bits;
    return true;
}

template <size_t N> void copy_text(char (&to)[N], const std::string &text)
{
    std::snprintf(to, N, "%s", text.c_str());
}

// The first item of a sequence; null where there is none.
gdcm::SmartPointer<gdcm::SequenceOfItems> items_of(const DataSet &set, Tag tag)
{
    if (!set.FindDataElement(tag)) return nullptr;
    gdcm::SmartPointer<gdcm::SequenceOfItems> items = set.GetDataElement(tag).GetValueAsSQ();
    return items && items->GetNumberOfItems() > 0 ? items : nullptr;
}

void read_lut(const DataSet &set, Tag sequence, bool is_signed, tr_dicom_lut *lut)
{
    gdcm::SmartPointer<gdcm::SequenceOfItems> items = items_of(set, sequence);
    if (!items) return;
    const DataSet &item = items->GetItem(1).GetNestedDataSet();
    const Tag descriptor(0x0028, 0x3002), data(0x0028, 0x3006);
    if (!short_of(item, descriptor, 0, false, &lut->count) ||
        !short_of(item, descriptor, 1, is_signed, &lut->first) ||
        !short_of(item, descriptor, 2, false, &lut->bits))
        throw Refusal{"a look-up table without descriptor"};
    if (lut->count == 0) lut->count = 65536;
    std::string entries = bytes_of(item, data);
    if (lut->bits < 8 || lut->bits > 16)
        throw Refusal{"a look-up table of " + std::to_string(lut->bits) + " bits"};
    size_t count = static_cast<size_t>(lut->count);
    if (entries.size() != 2 * count &&
        !(lut->bits == 8 && (entries.size() == count || entries.size() == count + count % 2)))
        throw Refusal{"a look-up table of " + std::to_string(entries.size()) + " bytes for " +
                      std::to_string(count) + " entries"};
    lut->entries = static_cast<uint16_t *>(std::malloc(2 * count));
    if (!lut->entries) throw std::bad_alloc();
    if (entries.size() == 2 * count)
        std::memcpy(lut->entries, entries.data(), 2 * count);
    else
        for (size_t i = 0; i < count; i++) lut->entries[i] = static_cast<unsigned char>(entries[i]);
}

// ---- what is said about the picture ----

void read_greys(const DataSet &set, tr_dicom *d)
{
    std::string photometric = text_of(set, Tag(0x0028, 0x0004));
    d->inverted = photometric == "MONOCHROME1";
    std::string shape = text_of(set, Tag(0x2050, 0x0020));
    if (!shape.empty())
        d->inverted = shape == "INVERSE"; // where it stands, it tells how the values are shown
    d->slope = 1;
    d->intercept = 0;
    read_lut(set, Tag(0x0028, 0x3000), d->is_signed, &d->modality_lut);
    if (!d->modality_lut.entries) {
        number_of(set, Tag(0x0028, 0x1053), 0, &d->slope);
        number_of(set, Tag(0x0028, 0x1052), 0, &d->intercept);
        if (d->slope == 0) throw Refusal{"a rescale slope of 0"};
    }
    // What a VOI table's first value is, has the sign of what comes out of the modality step.
    read_lut(set, Tag(0x0028, 0x3010), d->is_signed || d->intercept < 0, &d->voi_lut);
    double width;
    if (number_of(set, Tag(0x0028, 0x1050), 0, &d->window_center) &&
        number_of(set, Tag(0x0028, 0x1051), 0, &width) && width > 0)
        d->window_width = width;
    std::string function = text_of(set, Tag(0x0028, 0x1056));
    d->window_function = function == "SIGMOID"        ? TR_DICOM_SIGMOID
                         : function == "LINEAR_EXACT" ? TR_DICOM_LINEAR_EXACT
                                                      : TR_DICOM_LINEAR;
    int low, high;
    if (short_of(set, Tag(0x0028, 0x0120), 0, d->is_signed, &low)) {
        if (!short_of(set, Tag(0x0028, 0x0121), 0, d->is_signed, &high)) high = low;
        d->has_padding = true;
        d->padding_low = low < high ? low : high;
        d->padding_high = low < high ? high : low;
    }
}

// Pairs of vertical and horizontal size or number, the most trustworthy first.
void read_aspect(const DataSet &set, tr_dicom *d)
{
    static const Tag tags[] = {Tag(0x0028, 0x0030), Tag(0x0018, 0x1164), Tag(0x0018, 0x2010),
                               Tag(0x0028, 0x0034)};
    d->aspect = 1;
    for (const Tag &tag : tags) {
        double vertical, horizontal;
        if (!number_of(set, tag, 0, &vertical) || !number_of(set, tag, 1, &horizontal)) continue;
        if (vertical <= 0 || horizontal <= 0 || vertical > 8 * horizontal || horizontal > 8 * vertical)
            throw Refusal{"pixels whose sides are not within 1:8"};
        d->aspect = vertical / horizontal;
        return;
    }
}

// Columns and rows count from 1 and name the edge pixel outside the field.
void read_field(const DataSet &set, tr_dicom *d)
{
    for (uint16_t first : {0x1700, 0x1600}) { // collimator, shutter
        std::string shapes = bytes_of(set, Tag(0x0018, first));
        if (shapes.find("RECTANGULAR") == std::string::npos) continue;
        int left = whole_of(set, Tag(0x0018, static_cast<uint16_t>(first + 2)), 0),
            right = whole_of(set, Tag(0x0018, static_cast<uint16_t>(first + 4)), d->width + 1),
            top = whole_of(set, Tag(0x0018, static_cast<uint16_t>(first + 6)), 0),
            bottom = whole_of(set, Tag(0x0018, static_cast<uint16_t>(first + 8)), d->height + 1);
        left = left < 0 ? 0 : left;
        top = top < 0 ? 0 : top;
        right = right > d->width + 1 ? d->width + 1 : right;
        bottom = bottom > d->height + 1 ? d->height + 1 : bottom;
        if (right - left < 2 || bottom - top < 2) continue; // says nothing
        d->has_field = true;
        d->left = left;
        d->top = top;
        d->right = right - 1;
        d->bottom = bottom - 1;
        return;
    }
}

void read_words(const gdcm::File &file, tr_dicom *d)
{
    const DataSet &set = file.GetDataSet();
    copy_text(d->patient_id, text_of(set, Tag(0x0010, 0x0020)));
    copy_text(d->modality, text_of(set, Tag(0x0008, 0x0060)));
    copy_text(d->view, text_of(set, Tag(0x0018, 0x5101)));
    std::string side = text_of(set, Tag(0x0020, 0x0062));
    copy_text(d->laterality, side.empty() ? text_of(set, Tag(0x0020, 0x0060)) : side);
    copy_text(d->row_runs, text_of(set, Tag(0x0020, 0x0020), 0));
    copy_text(d->column_runs, text_of(set, Tag(0x0020, 0x0020), 1));
    copy_text(d->syntax, file.GetHeader().GetDataSetTransferSyntax().GetString());
}

// ---- the pixels ----

// Says why before GDCM only says that it cannot.
void check_header(const DataSet &set)
{
    if (!set.FindDataElement(Tag(0x7fe0, 0x0010))) throw Refusal{"DICOM without pixels"};
    if (set.GetDataElement(Tag(0x7fe0, 0x0010)).IsEmpty()) throw Refusal{"DICOM with empty pixel data"};
    int frames = whole_of(set, Tag(0x0028, 0x0008), 1);
    if (frames != 1) throw Refusal{"has " + std::to_string(frames) + " frames; one is read"};
    int samples = 1, rows = 0, columns = 0, allocated = 0, stored = 0;
    short_of(set, Tag(0x0028, 0x0002), 0, false, &samples);
    std::string photometric = text_of(set, Tag(0x0028, 0x0004));
    if (samples != 1 || (photometric != "MONOCHROME1" && photometric != "MONOCHROME2"))
        throw Refusal{"is not grey but " +
                      (photometric.empty() ? "of no photometric interpretation" : photometric)};
    short_of(set, Tag(0x0028, 0x0010), 0, false, &rows);
    short_of(set, Tag(0x0028, 0x0011), 0, false, &columns);
    if (rows < 1 || columns < 1 || rows > NN_IMAGE_SIDE_MAX || columns > NN_IMAGE_SIDE_MAX)
        throw Refusal{std::to_string(columns) + "x" + std::to_string(rows) + " pixels; 1 to " +
                      std::to_string(NN_IMAGE_SIDE_MAX) + " are read"};
    short_of(set, Tag(0x0028, 0x0100), 0, false, &allocated);
    short_of(set, Tag(0x0028, 0x0101), 0, false, &stored);
    if ((allocated != 8 && allocated != 12 && allocated != 16) || stored < 1 || stored > allocated)
        throw Refusal{std::to_string(stored) + " bits in " + std::to_string(allocated) +
                      "; 1 to 16 in 8, 12 or 16 are read"};
}

// Whether the file has all of the uncompressed pixels: GDCM fills up what is missing with zeros. The element
// begins within what is not pixels, which is read alone.
bool file_has_pixels(const char *path, size_t pixel_bytes, bool big_endian, bool implicit)
{
    std::ifstream file(path, std::ios::binary | std::ios::ate);
    std::streamoff size = file.tellg(), rest = size - static_cast<std::streamoff>(pixel_bytes);
    if (rest < 8 || rest > MOST_BESIDE_PIXELS) return rest > 0;
    std::string bytes(static_cast<size_t>(rest), '\0');
    file.seekg(0);
    if (!file.read(&bytes[0], rest)) return false;
    const std::string tag =
        big_endian ? std::string("\x7f\xe0\x00\x10", 4) : std::string("\xe0\x7f\x10\x00", 4);
    const size_t length_at = implicit ? 4 : 8;
    for (size_t at = bytes.find(tag); at != std::string::npos; at = bytes.find(tag, at + 1)) {
        if (at + length_at + 4 > bytes.size()) return false;
        size_t length = 0;
        for (size_t i = 0; i < 4; i++)
            length |= static_cast<size_t>(static_cast<unsigned char>(bytes[at + length_at + i]))
                      << 8 * (big_endian ? 3 - i : i);
        if (length == pixel_bytes) return true; // it ends where the file ends, or before
    }
    return false;
}

// GDCM reads what is there; whether that is all, it does not say.
void check_lengths(const char *path, const gdcm::File &file, int width, int height)
{
    const DataSet &set = file.GetDataSet();
    const gdcm::TransferSyntax &syntax = file.GetHeader().GetDataSetTransferSyntax();
    const DataElement &pixels = set.GetDataElement(Tag(0x7fe0, 0x0010));
    if (const gdcm::ByteValue *raw = pixels.GetByteValue()) {
        int allocated = 0;
        short_of(set, Tag(0x0028, 0x0100), 0, false, &allocated);
        size_t bits =
                   static_cast<size_t>(width) * static_cast<size_t>(height) * static_cast<size_t>(allocated),
               wanted = (bits + 7) / 8, found = raw->GetLength();
        if (found != wanted && found != wanted + wanted % 2)
            throw Refusal{"pixel data of " + std::to_string(found) + " bytes where the header means " +
                          std::to_string(wanted)};
        if (syntax != gdcm::TransferSyntax::DeflatedExplicitVRLittleEndian &&
            !file_has_pixels(path, found, syntax == gdcm::TransferSyntax::ExplicitVRBigEndian,
                             syntax.IsImplicit()))
            throw Refusal{"DICOM that is cut short"};
    } else if (!pixels.GetSequenceOfFragments()) {
        throw Refusal{"pixel data that are neither bytes nor fragments"};
    }
}

// Every JPEG ends with FFD9, whatever pads it. RLE has no end; its decoder counts.
void check_stream_end(const DataSet &set, const std::string &syntax)
{
    const gdcm::SequenceOfFragments *fragments =
        set.GetDataElement(Tag(0x7fe0, 0x0010)).GetSequenceOfFragments();
    if (!fragments) return;
    std::string stream;
    for (gdcm::SequenceOfFragments::SizeType i = 0; i < fragments->GetNumberOfFragments(); i++) {
        const gdcm::ByteValue *part = fragments->GetFragment(i).GetByteValue();
        if (part && part->GetLength() > 0) stream.assign(part->GetPointer(), part->GetLength());
    }
    if (stream.empty()) throw Refusal{"a compressed stream of no bytes"};
    if (syntax == "1.2.840.10008.1.2.5") return;
    size_t end = stream.find_last_not_of('\0');
    if (end == std::string::npos || end < 1 || stream.compare(end - 1, 2, "\xff\xd9") != 0)
        throw Refusal{"a compressed stream that is cut short"};
}

void take_pixels(const std::vector<char> &buffer, const gdcm::PixelFormat &format, tr_dicom *d)
{
    size_t count = static_cast<size_t>(d->width) * static_cast<size_t>(d->height);
    int bytes = format.GetBitsAllocated() == 8 ? 1 : 2;
    if (buffer.size() != count * static_cast<size_t>(bytes))
        throw Refusal{"decodes to " + std::to_string(buffer.size()) + " bytes instead of " +
                      std::to_string(count * static_cast<size_t>(bytes))};
    d->bits = format.GetBitsStored();
    d->is_signed = format.GetPixelRepresentation() == 1;
    int shift = format.GetHighBit() + 1 - d->bits;
    if (d->bits < 1 || d->bits > 8 * bytes || shift < 0 || shift + d->bits > 8 * bytes)
        throw Refusal{"bits stored and high bit that do not fit"};
    d->pixels = static_cast<uint16_t *>(std::malloc(2 * count));
    if (!d->pixels) throw std::bad_alloc();
    if (bytes == 2)
        std::memcpy(d->pixels, buffer.data(), 2 * count);
    else
        for (size_t i = 0; i < count; i++) d->pixels[i] = static_cast<unsigned char>(buffer[i]);
    const unsigned mask = (1u << d->bits) - 1, sign = d->is_signed ? 1u << (d->bits - 1) : 0;
    bool same = true;
    for (size_t i = 0; i < count; i++) {
        unsigned value = d->pixels[i] >> shift & mask;
        d->pixels[i] = static_cast<uint16_t>((value ^ sign) - sign);
        same &= d->pixels[i] == d->pixels[0];
    }
    if (same) throw Refusal{"decodes to one value everywhere"};
}

void decode(const gdcm::Image &image, char *pixels, const Mutterings &said)
{
    if (!image.GetBuffer(pixels)) throw Refusal{"a compressed stream that does not decode"};
    for (const char *damage :
         {"Corrupt JPEG data", "Premature end of JPEG", "Tile part length size inconsistent"})
        if (said.text().find(damage) != std::string::npos)
            throw Refusal{"a compressed stream that is damaged"};
}

void read(const char *path, tr_dicom *d)
{
    const Mutterings said;
    gdcm::ImageReader reader;
    reader.SetFileName(path);
    bool whole = reader.Read();
    const DataSet &set = reader.GetFile().GetDataSet();
    if (set.Size() == 0) throw Refusal{"is neither DICOM, PNG nor JPEG, or damaged at its beginning"};
    check_header(set);
    if (!whole) throw Refusal{"DICOM that is damaged, or in a form that GDCM does not read"};
    read_words(reader.GetFile(), d);
    const gdcm::Image &image = reader.GetImage();
    d->width = static_cast<int>(image.GetColumns());
    d->height = static_cast<int>(image.GetRows());
    check_lengths(path, reader.GetFile(), d->width, d->height);
    check_stream_end(set, d->syntax);
    if (image.GetBufferLength() > 4ul * NN_IMAGE_SIDE_MAX * NN_IMAGE_SIDE_MAX) throw Refusal{"too large"};
    std::vector<char> buffer(image.GetBufferLength());
    decode(image, buffer.data(), said);
    take_pixels(buffer, image.GetPixelFormat(), d);
    read_greys(set, d);
    read_aspect(set, d);
    read_field(set, d);
}

} // namespace

nn_status tr_dicom_read(const char *path, struct tr_dicom *dicom, struct nn_error *err)
{
    nn_status status = NN_OK;
    *dicom = tr_dicom{};
    gdcm::Trace::DebugOff(); // they go to stderr
    gdcm::Trace::WarningOff();
    gdcm::Trace::ErrorOff();
    try {
        read(path, dicom);
    } catch (const Refusal &refusal) {
        status = nn_fail(err, NN_ERR_FORMAT, "%s: %s", path, refusal.text.c_str());
    } catch (const std::bad_alloc &) {
        status = nn_fail(err, NN_ERR_MEMORY, "%s: out of memory for its pixels", path);
    } catch (const std::exception &) {
        status = nn_fail(err, NN_ERR_FORMAT, "%s: DICOM that is damaged", path);
    } catch (...) {
        status = nn_fail(err, NN_ERR_FORMAT, "%s: DICOM that is damaged", path);
    }
    if (status) tr_dicom_release(dicom);
    return status;
}

void tr_dicom_release(struct tr_dicom *dicom)
{
    std::free(dicom->pixels);
    std::free(dicom->modality_lut.entries);
    std::free(dicom->voi_lut.entries);
    *dicom = tr_dicom{};
}
