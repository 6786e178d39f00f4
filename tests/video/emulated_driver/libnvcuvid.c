// Stand-in for libnvcuvid.so.1. Packets go to a function of the tests, which decodes them with libav and gives the
// pictures back in the order of display. The parser's callbacks follow in the driver's order: sequence, decode,
// display. NVDEC decodes ahead of display; here each picture is decoded when it is shown.
#include "emulation.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <ffnvcodec/dynlink_cuviddec.h>
#include <ffnvcodec/dynlink_nvcuvid.h>

static const CUresult SUCCESS = 0, INVALID_VALUE = 1, INVALID_CONTEXT = 201, INVALID_HANDLE = 400;
static const CUresult NOT_SUPPORTED = 801, UNKNOWN = 999;
enum { MAX_SURFACES = 64, PITCH = 256, LATE = 0x4D, PADDING = 0x80 };

// What the tests say of a picture; `emulation.py` has the same fields.
struct emulation_picture {
    int height, width;              // Of what is shown.
    int coded_height, coded_width;
    int top, left;                  // Where the shown part begins.
    int bit_depth;
    int num_surfaces;               // What the stream asks of its decoder.
    int is_shown;                   // 0: decoded and lost.
    int is_damaged;
    long long time;
    const void *planes;             // NV12 of coded size; more than 8 bits: 16, the value at their top.
};

// What a chip can do; the tests set it.
struct emulation_chip {
    int is_supported, num_engines, min_width, min_height, max_width, max_height, max_macroblocks;
};

typedef void (*decode_packet)(void *parser, int codec, const void *data, size_t size, unsigned long flags,
                              long long time);

struct queued {
    struct emulation_picture about;
    char *planes;
    struct queued *next;
};

struct parser {
    CUVIDPARSERPARAMS given;
    CUVIDEOFORMAT format;
    int has_format, has_ended, num_surfaces, num_decoded;
    struct queued *first, **last, *current;
};

struct decoder {
    CUVIDDECODECREATEINFO made_for;
    int is_alive, num_mapped;
    struct queued *surfaces[MAX_SURFACES];
};

struct emulation_chip emulation_chip;
// Calls of cuvidMapVideoFrame until one fails; 0: none does.
int emulation_fail_after;

static decode_packet decode;
static void (*forget)(void *parser);
static __thread struct queued *decoding;
static __thread struct decoder *decodes;

// The tests' functions: for a packet, and for a parser that ends. NULL at the end of the process.
void emulation_decode_with(decode_packet packet, void (*end)(void *parser)) {
    decode = packet;
    forget = end;
}

// Samples of blue and red difference in a row, in turn.
static int chroma_width(const struct emulation_picture *picture) { return (picture->coded_width + 1) / 2 * 2; }

void emulation_show(struct parser *parser, const struct emulation_picture *picture) {
    struct queued *queued = calloc(1, sizeof *queued);
    size_t samples = (size_t)picture->coded_height * picture->coded_width +
                     (size_t)((picture->coded_height + 1) / 2) * chroma_width(picture);
    size_t size = samples * (picture->bit_depth > 8 ? 2 : 1);
    queued->about = *picture;
    queued->planes = memcpy(malloc(size), picture->planes, size);
    *parser->last = queued;
    parser->last = &queued->next;
}

static void drop(struct queued *queued) {
    if (queued) free(queued->planes);
    free(queued);
}

// ---- Decoders

CUresult cuvidGetDecoderCaps(CUVIDDECODECAPS *caps) {
    if (!emulation_has_context(__func__)) return INVALID_CONTEXT;
    caps->bIsSupported = emulation_chip.is_supported;
    caps->nNumNVDECs = emulation_chip.num_engines;
    caps->nOutputFormatMask = 1 << cudaVideoSurfaceFormat_NV12 | 1 << cudaVideoSurfaceFormat_P016;
    caps->nMinWidth = emulation_chip.min_width;
    caps->nMinHeight = emulation_chip.min_height;
    caps->nMaxWidth = emulation_chip.max_width;
    caps->nMaxHeight = emulation_chip.max_height;
    caps->nMaxMBCount = emulation_chip.max_macroblocks;
    return SUCCESS;
}

CUresult cuvidCreateDecoder(CUvideodecoder *made, CUVIDDECODECREATEINFO *given) {
    if (!emulation_has_context(__func__)) return INVALID_CONTEXT;
    struct decoder *decoder = calloc(1, sizeof *decoder);
    decoder->made_for = *given;
    decoder->is_alive = 1;
    emulation_counts.decoders++;
    emulation_counts.decoders_made++;
    *made = decoder;
    return SUCCESS;
}

static struct decoder *alive(void *handle, const char *caller) {
    struct decoder *decoder = handle;
    if (decoder && decoder->is_alive) return decoder;
    emulation_fault("%s of a decoder that is not there", caller);
    return NULL;
}

// Its memory stays, so that a later use of it is seen.
CUresult cuvidDestroyDecoder(CUvideodecoder handle) {
    struct decoder *decoder = alive(handle, __func__);
    if (!decoder) return INVALID_HANDLE;
    if (decoder->num_mapped) emulation_fault("a decoder ends with %d surfaces mapped", decoder->num_mapped);
    decoder->is_alive = 0;
    emulation_counts.decoders--;
    return SUCCESS;
}

CUresult cuvidReconfigureDecoder(CUvideodecoder handle, CUVIDRECONFIGUREDECODERINFO *given) {
    struct decoder *decoder = alive(handle, __func__);
    if (!decoder) return INVALID_HANDLE;
    CUVIDDECODECREATEINFO *made_for = &decoder->made_for;
    emulation_counts.reconfigured++;
    if (given->ulWidth > made_for->ulMaxWidth || given->ulHeight > made_for->ulMaxHeight) return INVALID_VALUE;
    made_for->ulWidth = given->ulWidth;
    made_for->ulHeight = given->ulHeight;
    made_for->ulTargetWidth = given->ulTargetWidth;
    made_for->ulTargetHeight = given->ulTargetHeight;
    made_for->ulNumDecodeSurfaces = given->ulNumDecodeSurfaces;
    memcpy(&made_for->display_area, &given->display_area, sizeof made_for->display_area);
    return SUCCESS;
}

CUresult cuvidDecodePicture(CUvideodecoder handle, CUVIDPICPARAMS *picture) {
    struct decoder *decoder = alive(handle, __func__);
    if (!decoder || !decoding) return INVALID_HANDLE;
    int surfaces = (int)decoder->made_for.ulNumDecodeSurfaces, needed = decoding->about.num_surfaces;
    if (surfaces < needed)
        emulation_fault("a stream that needs %d surfaces has a decoder made for %d", needed, surfaces);
    if (picture->CurrPicIdx < 0 || picture->CurrPicIdx >= surfaces)
        emulation_fault("surface %d of %d is decoded into", picture->CurrPicIdx, surfaces);
    decoder->surfaces[picture->CurrPicIdx % MAX_SURFACES] = decoding;
    decodes = decoder;
    return SUCCESS;
}

CUresult cuvidGetDecodeStatus(CUvideodecoder handle, int surface, CUVIDGETDECODESTATUS *status) {
    struct decoder *decoder = alive(handle, __func__);
    struct queued *shown = decoder ? decoder->surfaces[surface % MAX_SURFACES] : NULL;
    memset(status, 0, sizeof *status);
    status->decodeStatus = shown && shown->about.is_damaged ? cuvidDecodeStatus_Error : cuvidDecodeStatus_Success;
    return SUCCESS;
}

// The part of a coded picture that a decoder was told to show; all of it where it was told nothing.
static void shown_part(const CUVIDDECODECREATEINFO *made_for, const struct emulation_picture *picture, int *top,
                       int *left, int *height, int *width) {
    *top = made_for->display_area.top;
    *left = made_for->display_area.left;
    *height = made_for->display_area.bottom - *top;
    *width = made_for->display_area.right - *left;
    if (*height > 0 && *width > 0 && *top + *height <= picture->coded_height && *left + *width <= picture->coded_width)
        return;
    *top = *left = 0;
    *height = picture->coded_height;
    *width = picture->coded_width;
}

CUresult cuvidMapVideoFrame64(CUvideodecoder handle, int surface, unsigned long long *mapped, unsigned *pitch,
                              CUVIDPROCPARAMS *parameters) {
    struct decoder *decoder = alive(handle, __func__);
    if (!decoder || !emulation_has_context(__func__)) return INVALID_HANDLE;
    if (emulation_fail_after && !--emulation_fail_after) return UNKNOWN;
    const CUVIDDECODECREATEINFO *made_for = &decoder->made_for;
    struct queued *shown = decoder->surfaces[surface % MAX_SURFACES];
    if (!shown) {
        emulation_fault("surface %d is mapped, which holds no picture", surface);
        return INVALID_VALUE;
    }
    const struct emulation_picture *picture = &shown->about;
    int bytes = picture->bit_depth > 8 ? 2 : 1;
    int rows = (int)made_for->ulTargetHeight, columns = (int)made_for->ulTargetWidth;
    int top, left, height, width;
    shown_part(made_for, picture, &top, &left, &height, &width);
    if (rows != height || columns != width)
        emulation_fault("a picture of %dx%d is handed out scaled to %dx%d", width, height, columns, rows);
    if (picture->top != top || picture->left != left)
        emulation_fault("a picture that begins at (%d, %d) is shown from (%d, %d) on", picture->top, picture->left, top,
                        left);
    decoder->num_mapped++;
    if (decoder->num_mapped > (int)made_for->ulNumOutputSurfaces)
        emulation_fault("%d surfaces are mapped of a decoder made for %d", decoder->num_mapped,
                        (int)made_for->ulNumOutputSurfaces);
    *pitch = (unsigned)((columns * bytes + PITCH - 1) / PITCH * PITCH);
    int luma_rows = (rows + 1) & ~1;
    size_t size = (size_t)*pitch * (luma_rows + luma_rows / 2);
    char *memory = emulation_allocate(size);
    memset(memory, PADDING, size);
    for (int row = 0; row < rows; row++) {
        const char *source = shown->planes + (size_t)(top + (long)row * height / rows) * picture->coded_width * bytes;
        for (int column = 0; column < columns; column++)
            memcpy(memory + (size_t)row * *pitch + column * bytes,
                   source + (left + (long)column * width / columns) * bytes, bytes);
    }
    const char *chroma = shown->planes + (size_t)picture->coded_height * picture->coded_width * bytes;
    for (int row = 0; row < (rows + 1) / 2; row++) {
        long from = top / 2 + (long)row * height / rows;
        if (from >= (picture->coded_height + 1) / 2) break;
        for (int column = 0; column < (columns + 1) / 2; column++)
            memcpy(memory + (size_t)(luma_rows + row) * *pitch + column * 2 * bytes,
                   chroma + ((size_t)from * chroma_width(picture) +
                             (size_t)(left / 2 + (long)column * width / columns) * 2) * bytes, 2 * bytes);
    }
    emulation_counts.mapped++;
    *mapped = (unsigned long long)(uintptr_t)memory;
    return SUCCESS;
}

CUresult cuvidUnmapVideoFrame64(CUvideodecoder handle, unsigned long long mapped) {
    struct decoder *decoder = alive(handle, __func__);
    if (!decoder) return INVALID_HANDLE;
    decoder->num_mapped--;
    emulation_counts.mapped--;
    return emulation_free(mapped);
}

// ---- Parsers

CUresult cuvidCreateVideoParser(CUvideoparser *made, CUVIDPARSERPARAMS *given) {
    struct parser *parser = calloc(1, sizeof *parser);
    parser->given = *given;
    parser->last = &parser->first;
    emulation_counts.parsers++;
    *made = parser;
    return SUCCESS;
}

CUresult cuvidDestroyVideoParser(CUvideoparser handle) {
    struct parser *parser = handle;
    for (struct queued *next, *one = parser->first; one; one = next) {
        next = one->next;
        drop(one);
    }
    drop(parser->current);
    if (forget) forget(parser);
    emulation_counts.parsers--;
    free(parser);
    return SUCCESS;
}

static CUVIDEOFORMAT format_of(const struct parser *parser, const struct emulation_picture *picture) {
    CUVIDEOFORMAT format;
    memset(&format, 0, sizeof format);
    format.codec = parser->given.CodecType;
    format.frame_rate.numerator = 25;
    format.frame_rate.denominator = 1;
    format.progressive_sequence = 1;
    format.bit_depth_luma_minus8 = format.bit_depth_chroma_minus8 = (unsigned char)(picture->bit_depth - 8);
    format.min_num_decode_surfaces = (unsigned char)picture->num_surfaces;
    format.coded_width = (unsigned)picture->coded_width;
    format.coded_height = (unsigned)picture->coded_height;
    format.display_area.left = picture->left;
    format.display_area.top = picture->top;
    format.display_area.right = picture->left + picture->width;
    format.display_area.bottom = picture->top + picture->height;
    format.chroma_format = cudaVideoChromaFormat_420;
    return format;
}

static CUresult show(struct parser *parser, struct queued *picture) {
    CUVIDPARSERPARAMS *given = &parser->given;
    CUVIDEOFORMAT format = format_of(parser, &picture->about);
    if (!parser->has_format || parser->has_ended || memcmp(&format, &parser->format, sizeof format)) {
        parser->format = format;
        parser->has_format = 1;
        parser->has_ended = 0;
        emulation_counts.sequences++;
        int surfaces = given->pfnSequenceCallback(given->pUserData, &format);
        if (!surfaces) return UNKNOWN;
        // 1 means: as many as were asked for when the parser was made.
        parser->num_surfaces = surfaces > 1 ? surfaces : (int)given->ulMaxNumDecodeSurfaces;
    }
    CUVIDPICPARAMS coded;
    memset(&coded, 0, sizeof coded);
    coded.CurrPicIdx = parser->num_surfaces ? parser->num_decoded++ % parser->num_surfaces : 0;
    decoding = picture;
    given->pfnDecodePicture(given->pUserData, &coded);
    decoding = NULL;
    if (picture->about.is_shown) {
        CUVIDPARSERDISPINFO shown;
        memset(&shown, 0, sizeof shown);
        shown.picture_index = coded.CurrPicIdx;
        shown.progressive_frame = 1;
        shown.timestamp = picture->about.time;
        given->pfnDisplayPicture(given->pUserData, &shown);
    }
    if (decodes) decodes->surfaces[coded.CurrPicIdx % MAX_SURFACES] = NULL;
    decodes = NULL;
    return SUCCESS;
}

CUresult cuvidParseVideoData(CUvideoparser handle, CUVIDSOURCEDATAPACKET *packet) {
    struct parser *parser = handle;
    // Pictures that were handed out by the last call live in memory that this one may write.
    emulation_overwrite(parser, LATE);
    emulation_counts.packets++;
    if (!decode) return NOT_SUPPORTED;
    decode(parser, parser->given.CodecType, packet->payload, packet->payload_size, packet->flags, packet->timestamp);
    emulation_set_owner(parser);
    CUresult result = SUCCESS;
    while (!result && parser->first) {
        // Kept in the parser: where a callback throws, this function does not return.
        drop(parser->current);
        parser->current = parser->first;
        parser->first = parser->first->next;
        if (!parser->first) parser->last = &parser->first;
        result = show(parser, parser->current);
    }
    emulation_set_owner(NULL);
    if (packet->flags & CUVID_PKT_ENDOFSTREAM) parser->has_ended = 1;
    return result;
}

// ---- What PyNvVideoCodec looks up and does not need here

CUresult cuvidCtxLockCreate(void *lock, void *context) { return SUCCESS; }
CUresult cuvidCtxLockDestroy(void *lock) { return SUCCESS; }
CUresult cuvidCtxLock(void *lock, unsigned reserved) { return SUCCESS; }
CUresult cuvidCtxUnlock(void *lock, unsigned reserved) { return SUCCESS; }

#define UNSUPPORTED(name) \
    CUresult name(void) { return NOT_SUPPORTED; }
UNSUPPORTED(cuvidMapVideoFrame)
UNSUPPORTED(cuvidUnmapVideoFrame)
UNSUPPORTED(cuvidCreateVideoSource)
UNSUPPORTED(cuvidCreateVideoSourceW)
UNSUPPORTED(cuvidDestroyVideoSource)
UNSUPPORTED(cuvidSetVideoSourceState)
UNSUPPORTED(cuvidGetVideoSourceState)
UNSUPPORTED(cuvidGetSourceVideoFormat)
UNSUPPORTED(cuvidGetSourceAudioFormat)
