// Shared by the three stand-ins: what they watch over, and how they say that something is wrong.
#pragma once
#include <stddef.h>

#include <ffnvcodec/dynlink_cuda.h>

// What the tests count. `emulation.py` reads it by these names, all of them `long`. Decoders of several threads count
// at once: without `_Atomic` a count is lost now and then.
struct emulation_counts {
    _Atomic long contexts_made;  // By cuCtxCreate; the primary context is torch's.
    _Atomic long contexts;       // Alive, and so on.
    _Atomic long retained;
    _Atomic long memory;
    _Atomic long events;
    _Atomic long streams;
    _Atomic long parsers;
    _Atomic long decoders;
    _Atomic long decoders_made;
    _Atomic long mapped;
    _Atomic long sequences;  // Calls of the parser's sequence callback.
    _Atomic long reconfigured;
    _Atomic long packets;
    _Atomic long waits;  // Of one stream for another.
};
extern struct emulation_counts emulation_counts;

// Note a fault; the test in which it happens fails.
void emulation_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));

// A CUDA context is current on this thread; where none is, that is a fault of the caller.
int emulation_has_context(const char *caller);

// Device memory is host memory. Whatever belongs to an owner can be overwritten at once.
void *emulation_allocate(size_t size);
int emulation_free(CUdeviceptr memory);
void emulation_set_owner(void *owner);
void emulation_overwrite(void *owner, int value);
