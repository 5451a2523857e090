"""The countries of billing addresses, by their ISO 3166-1 codes.

The page names the likeliest ones. Its script adds the others, with the browser's names for them.
"""

_ALL = """
AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO
BQ BR BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ
DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP
GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG
KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML
MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE
PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL
SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN TO TR TT TV TW TZ UA UG UM
US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW
"""
CODES = frozenset(_ALL.split())

_LIKELY = {
    "en": "PH Philippines|AU Australia|CA Canada|CN China|DE Germany|HK Hong Kong|JP Japan|"
    "MY Malaysia|SA Saudi Arabia|SG Singapore|KR South Korea|AE United Arab Emirates|"
    "GB United Kingdom|US United States",
    "fr": "PH Philippines|DE Allemagne|SA Arabie saoudite|AU Australie|CA Canada|CN Chine|"
    "KR Corée du Sud|AE Émirats arabes unis|US États-Unis|HK Hong Kong|JP Japon|MY Malaisie|"
    "GB Royaume-Uni|SG Singapour",
}
# Filipino uses the English names of other countries.
_LIKELY["fil"] = _LIKELY["en"].replace("Philippines", "Pilipinas")


def likely_countries(language: str) -> list[tuple[str, str]]:
    """Codes and names, the market's own country first."""
    packed = _LIKELY[language].split("|")
    return [(each[:2], each[3:]) for each in packed]
