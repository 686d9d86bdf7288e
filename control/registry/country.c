/* SPDX-License-Identifier: BSD-3-Clause */
#include "country.h"

#include <string.h>

/* ISO 3166-1 alpha-2, officially assigned, each followed by a space. */
static const char assigned[] =
	"AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ "
	"BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM "
	"DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS "
	"GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN "
	"KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ "
	"MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM "
	"PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV "
	"SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI "
	"VN VU WF WS YE YT ZA ZM ZW ";
_Static_assert(sizeof(assigned) - 1 == 249 * 3, "ISO 3166-1 assigns 249 codes");

static bool is_capital(char c)
{
	return c >= 'A' && c <= 'Z';
}

bool country_is_form(const char *code)
{
	return is_capital(code[0]) && is_capital(code[1]) && code[2] == '\0';
}

bool country_is_assigned(const char *code)
{
	if (!country_is_form(code))
		return false;
	for (const char *at = assigned; *at; at += 3)
		if (memcmp(at, code, 2) == 0)
			return true;
	return false;
}
