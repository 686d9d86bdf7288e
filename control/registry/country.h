/* SPDX-License-Identifier: BSD-3-Clause */
/* Country and state codes. Threading: pure functions. */
#ifndef CONTROL_COUNTRY_H
#define CONTROL_COUNTRY_H

#include <stdbool.h>

/* Two capital letters that ISO 3166-1 assigns. */
bool country_is_assigned(const char *code);

/* Two capital letters. */
bool country_is_form(const char *code);

#endif
