// Stand-in for libnvidia-encode.so.1, of which PyNvVideoCodec asks the version when it is imported.
#include <stdint.h>

enum { MAJOR = 13, MINOR = 0, UNSUPPORTED_DEVICE = 2 };

int NvEncodeAPIGetMaxSupportedVersion(uint32_t *version) {
    *version = MAJOR << 4 | MINOR;
    return 0;
}

int NvEncodeAPICreateInstance(void *functions) { return UNSUPPORTED_DEVICE; }
