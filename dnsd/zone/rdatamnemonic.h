/* rdatamnemonic.h - words that stand for numbers: types, algorithms, the fields of TLSA */
#pragma once
#include <ldns/rdata.h>

#include "dnsd/zone/zonetoken.h"

/* The type of that mnemonic (any case, TYPE65280 too), or -1. */
int rdatamnemonic_type(const struct zonetoken *token);

/* The number that a word stands for in a field of that kind, or -1. */
int rdatamnemonic_value(ldns_rdf_type field, const struct zonetoken *token);
