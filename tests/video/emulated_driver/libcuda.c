// Stand-in for libcuda.so.1: device memory is host memory, and each copy is held against its allocations.
// The functions are those that PyNvVideoCodec takes from the driver.
#include "emulation.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SUCCESS = 0, INVALID_VALUE = 1, INVALID_DEVICE = 101, INVALID_CONTEXT = 201 };
enum { MAX_DEPTH = 32, PITCH = 512 };

struct emulation_counts emulation_counts;

struct allocation {
    char *start;
    size_t size;
    void *owner;
    struct allocation *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct allocation *allocations;
static char faults[1 << 16];
static char primary_context;
static __thread void *contexts[MAX_DEPTH];
static __thread int depth;
static __thread void *owner;

// ---- What the other stand-ins and the tests call

void emulation_fault(const char *format, ...) {
    pthread_mutex_lock(&lock);
    size_t used = strlen(faults);
    va_list values;
    va_start(values, format);
    if (used + 512 < sizeof faults) {
        vsnprintf(faults + used, 500, format, values);
        strcat(faults, "\n");
    }
    va_end(values);
    pthread_mutex_unlock(&lock);
}

// Move the faults so far, a line each, to `text`.
void emulation_take_faults(char *text, size_t size) {
    pthread_mutex_lock(&lock);
    snprintf(text, size, "%s", faults);
    faults[0] = 0;
    pthread_mutex_unlock(&lock);
}

int emulation_has_context(const char *caller) {
    if (!depth || !contexts[depth - 1]) emulation_fault("%s without a current context", caller);
    return depth && contexts[depth - 1];
}

int emulation_depth(void) { return depth; }

// What CUDA's runtime does when torch first uses a device on a thread.
void emulation_use_primary_context(void) {
    if (!depth) depth = 1;
    contexts[depth - 1] = &primary_context;
}

void emulation_set_owner(void *who) { owner = who; }

void *emulation_allocate(size_t size) {
    struct allocation *made = malloc(sizeof *made);
    *made = (struct allocation){.start = malloc(size ? size : 1), .size = size, .owner = owner};
    memset(made->start, 0xAB, size);
    pthread_mutex_lock(&lock);
    made->next = allocations;
    allocations = made;
    emulation_counts.memory++;
    pthread_mutex_unlock(&lock);
    return made->start;
}

int emulation_free(CUdeviceptr memory) {
    pthread_mutex_lock(&lock);
    struct allocation **place = &allocations;
    while (*place && (*place)->start != (char *)(uintptr_t)memory) place = &(*place)->next;
    struct allocation *found = *place;
    if (found) {
        *place = found->next;
        emulation_counts.memory--;
    }
    pthread_mutex_unlock(&lock);
    if (!found) {
        emulation_fault("memory is freed that was not allocated, or twice");
        return INVALID_VALUE;
    }
    memset(found->start, 0xDD, found->size);
    free(found->start);
    free(found);
    return SUCCESS;
}

void emulation_overwrite(void *whose, int value) {
    pthread_mutex_lock(&lock);
    for (struct allocation *one = allocations; one; one = one->next)
        if (one->owner == whose) memset(one->start, value, one->size);
    pthread_mutex_unlock(&lock);
}

// Bytes from an address to the end of the allocation that it lies in; -1 where it lies in none.
static long room_at(const char *address) {
    long room = -1;
    pthread_mutex_lock(&lock);
    for (struct allocation *one = allocations; one; one = one->next)
        if (address >= one->start && address < one->start + one->size) room = one->start + one->size - address;
    pthread_mutex_unlock(&lock);
    return room;
}

static int reaches(const char *what, const void *address, long size) {
    long room = room_at(address);
    if (room < size) emulation_fault("a copy %s %ld bytes where %ld are", what, size, room < 0 ? 0 : room);
    return room >= size;
}

// ---- Devices and contexts

int cuInit(unsigned flags) { return SUCCESS; }
int cuDeviceGetCount(int *count) { return *count = 1, SUCCESS; }
int cuDeviceGet(int *device, int number) { return *device = number, number ? INVALID_DEVICE : SUCCESS; }

int cuCtxPushCurrent_v2(void *context) {
    if (depth == MAX_DEPTH) return INVALID_CONTEXT;
    contexts[depth++] = context;
    return SUCCESS;
}

int cuCtxPopCurrent_v2(void **context) {
    if (!depth) {
        emulation_fault("a context is popped off an empty stack");
        return INVALID_CONTEXT;
    }
    depth--;
    if (context) *context = contexts[depth];
    return SUCCESS;
}

int cuCtxCreate_v2(void **context, unsigned flags, int device) {
    emulation_counts.contexts_made++;
    emulation_counts.contexts++;
    *context = malloc(1);
    return cuCtxPushCurrent_v2(*context);
}

int cuCtxDestroy_v2(void *context) {
    if (depth && contexts[depth - 1] == context) depth--;
    emulation_counts.contexts--;
    free(context);
    return SUCCESS;
}

int cuCtxGetDevice(int *device) { return *device = 0, emulation_has_context(__func__) ? SUCCESS : INVALID_CONTEXT; }
int cuCtxGetCurrent(void **context) { return *context = depth ? contexts[depth - 1] : NULL, SUCCESS; }

int cuDevicePrimaryCtxRetain(void **context, int device) {
    emulation_counts.retained++;
    *context = &primary_context;
    return SUCCESS;
}

int cuDevicePrimaryCtxRelease_v2(int device) { return emulation_counts.retained--, SUCCESS; }
int cuGetErrorName(int error, const char **name) { return *name = "CUDA_ERROR_EMULATED", SUCCESS; }
int cuGetErrorString(int error, const char **text) { return *text = "an error of the emulated driver", SUCCESS; }

// ---- Memory

int cuMemAlloc_v2(CUdeviceptr *memory, size_t size) {
    if (!emulation_has_context(__func__)) return INVALID_CONTEXT;
    *memory = (CUdeviceptr)(uintptr_t)emulation_allocate(size);
    return SUCCESS;
}

int cuMemAllocAsync(CUdeviceptr *memory, size_t size, void *stream) { return cuMemAlloc_v2(memory, size); }

int cuMemAllocPitch_v2(CUdeviceptr *memory, size_t *pitch, size_t width, size_t height, unsigned element) {
    *pitch = (width + PITCH - 1) / PITCH * PITCH;
    return cuMemAlloc_v2(memory, *pitch * height);
}

int cuMemFree_v2(CUdeviceptr memory) { return emulation_free(memory); }
int cuMemFreeAsync(CUdeviceptr memory, void *stream) { return emulation_free(memory); }

int cuMemcpy2D_v2(const CUDA_MEMCPY2D *copy) {
    int from_host = copy->srcMemoryType == CU_MEMORYTYPE_HOST, to_host = copy->dstMemoryType == CU_MEMORYTYPE_HOST;
    const char *source = from_host ? copy->srcHost : (const char *)(uintptr_t)copy->srcDevice;
    char *target = to_host ? (char *)copy->dstHost : (char *)(uintptr_t)copy->dstDevice;
    if (!emulation_has_context(__func__)) return INVALID_CONTEXT;
    if (!copy->Height || !copy->WidthInBytes) return SUCCESS;
    source += copy->srcY * copy->srcPitch + copy->srcXInBytes;
    target += copy->dstY * copy->dstPitch + copy->dstXInBytes;
    long read = (long)(copy->srcPitch * (copy->Height - 1) + copy->WidthInBytes);
    long written = (long)(copy->dstPitch * (copy->Height - 1) + copy->WidthInBytes);
    int is_safe = (from_host || reaches("reads", source, read)) & (to_host || reaches("writes", target, written));
    if (!is_safe) return INVALID_VALUE;
    for (size_t row = 0; row < copy->Height; row++)
        memcpy(target + row * copy->dstPitch, source + row * copy->srcPitch, copy->WidthInBytes);
    return SUCCESS;
}

int cuMemcpy2DAsync_v2(const CUDA_MEMCPY2D *copy, void *stream) { return cuMemcpy2D_v2(copy); }

int cuMemcpyDtoH_v2(void *target, CUdeviceptr source, size_t size) {
    if (!reaches("reads", (void *)(uintptr_t)source, (long)size)) return INVALID_VALUE;
    return memcpy(target, (void *)(uintptr_t)source, size), SUCCESS;
}

int cuMemcpyDtoHAsync_v2(void *target, CUdeviceptr source, size_t size, void *stream) {
    return cuMemcpyDtoH_v2(target, source, size);
}

int cuMemcpyHtoD_v2(CUdeviceptr target, const void *source, size_t size) {
    if (!reaches("writes", (void *)(uintptr_t)target, (long)size)) return INVALID_VALUE;
    return memcpy((void *)(uintptr_t)target, source, size), SUCCESS;
}

int cuPointerGetAttribute(void *value, int attribute, CUdeviceptr memory) {
    enum { CONTEXT = 1, MEMORY_TYPE = 2, DEVICE_ORDINAL = 9 };
    if (attribute == CONTEXT) *(void **)value = &primary_context;
    else if (attribute == MEMORY_TYPE) *(unsigned *)value = CU_MEMORYTYPE_DEVICE;
    else if (attribute == DEVICE_ORDINAL) *(int *)value = 0;
    else *(CUdeviceptr *)value = memory;
    return SUCCESS;
}

// ---- Streams and events: all is done at once, so there is nothing to wait for

int cuStreamCreate(void **stream, unsigned flags) {
    emulation_counts.streams++;
    return *stream = malloc(1), SUCCESS;
}

int cuStreamDestroy_v2(void *stream) {
    emulation_counts.streams--;
    return free(stream), SUCCESS;
}

int cuStreamGetCtx(void *stream, void **context) { return *context = &primary_context, SUCCESS; }
int cuStreamSynchronize(void *stream) { return SUCCESS; }

int cuStreamWaitEvent(void *stream, void *event, unsigned flags) {
    emulation_counts.waits++;
    return SUCCESS;
}

int cuEventCreate(void **event, unsigned flags) {
    emulation_counts.events++;
    return *event = malloc(1), SUCCESS;
}

int cuEventDestroy_v2(void *event) {
    emulation_counts.events--;
    return free(event), SUCCESS;
}

int cuEventRecord(void *event, void *stream) { return SUCCESS; }
int cuEventSynchronize(void *event) { return SUCCESS; }
