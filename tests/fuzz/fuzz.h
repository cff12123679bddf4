/* fuzz.h - the entry that each fuzzer defines, as libFuzzer calls it */
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
