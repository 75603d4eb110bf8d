/* What p256-cortex-m4 needs of a C library; the functions are those of Rust's compiler_builtins. */
#ifndef BANDSENSE_STRING_H
#define BANDSENSE_STRING_H
#include <stddef.h>
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int value, size_t n);
int memcmp(const void *a, const void *b, size_t n);
#endif
