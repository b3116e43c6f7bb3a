"""Country names as cable lists write them, and places that such lists count with China."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

# English short names (ISO 3166-1), then the ones that public cable lists use instead.
_NAMES = """
AD Andorra|AE United Arab Emirates|AG Antigua and Barbuda|AI Anguilla|AL Albania|AO Angola|AR Argentina
AS American Samoa|AU Australia|AW Aruba|AZ Azerbaijan|BB Barbados|BD Bangladesh|BE Belgium|BF Burkina Faso
BG Bulgaria|BH Bahrain|BJ Benin|BL Saint Barthélemy|BM Bermuda|BN Brunei|BO Bolivia
BQ Bonaire, Sint Eustatius, and Saba|BR Brazil|BS Bahamas|BZ Belize|CA Canada|CC Cocos (Keeling) Islands
CD Congo, Dem. Rep.|CG Congo, Rep.|CI Côte d'Ivoire|CK Cook Islands|CL Chile|CM Cameroon|CN China
CO Colombia|CR Costa Rica|CU Cuba|CV Cape Verde|CW Curaçao|CX Christmas Island|CY Cyprus|DE Germany
DJ Djibouti|DK Denmark|DM Dominica|DO Dominican Republic|DZ Algeria|EC Ecuador|EE Estonia|EG Egypt
ER Eritrea|ES Spain|FI Finland|FJ Fiji|FK Falkland Islands|FM Micronesia|FO Faroe Islands|FR France|GA Gabon
GB United Kingdom|GD Grenada|GE Georgia|GF French Guiana|GG Guernsey|GH Ghana|GI Gibraltar|GL Greenland
GM Gambia|GN Guinea|GP Guadeloupe|GQ Equatorial Guinea|GR Greece|GT Guatemala|GU Guam|GW Guinea-Bissau
GY Guyana|HK Hong Kong|HN Honduras|HR Croatia|HT Haiti|ID Indonesia|IE Ireland|IL Israel|IM Isle of Man
IN India|IO British Indian Ocean Territory|IQ Iraq|IR Iran|IS Iceland|IT Italy|JE Jersey|JM Jamaica
JO Jordan|JP Japan|KE Kenya|KH Cambodia|KI Kiribati|KM Comoros|KN Saint Kitts and Nevis|KP North Korea
KR South Korea|KW Kuwait|KY Cayman Islands|KZ Kazakhstan|LA Laos|LB Lebanon|LC Saint Lucia|LK Sri Lanka
LR Liberia|LT Lithuania|LV Latvia|LY Libya|MA Morocco|MC Monaco|ME Montenegro|MF Saint Martin|MG Madagascar
MH Marshall Islands|MM Myanmar|MO Macao|MP Northern Mariana Islands|MQ Martinique|MR Mauritania
MS Montserrat|MT Malta|MU Mauritius|MV Maldives|MX Mexico|MY Malaysia|MZ Mozambique|NA Namibia
NC New Caledonia|NE Niger|NF Norfolk Island|NG Nigeria|NI Nicaragua|NL Netherlands|NO Norway|NP Nepal
NR Nauru|NU Niue|NZ New Zealand|OM Oman|PA Panama|PE Peru|PF French Polynesia|PG Papua New Guinea
PH Philippines|PK Pakistan|PL Poland|PM Saint Pierre and Miquelon|PR Puerto Rico|PS Palestine|PT Portugal
PW Palau|PY Paraguay|QA Qatar|RE Réunion|RO Romania|RU Russia|SA Saudi Arabia|SB Solomon Islands
SC Seychelles|SD Sudan|SE Sweden|SG Singapore|SH Saint Helena, Ascension and Tristan da Cunha|SI Slovenia
SJ Svalbard|SL Sierra Leone|SN Senegal|SO Somalia|SR Suriname|ST Sao Tome and Principe|SV El Salvador
SX Sint Maarten|SY Syria|TC Turks and Caicos Islands|TG Togo|TH Thailand|TK Tokelau|TL Timor-Leste
TM Turkmenistan|TN Tunisia|TO Tonga|TR Turkey|TT Trinidad and Tobago|TV Tuvalu|TW Taiwan|TZ Tanzania
UA Ukraine|US United States|UY Uruguay|VC Saint Vincent and the Grenadines|VE Venezuela
VG Virgin Islands (U.K.)|VI Virgin Islands (U.S.)|VN Vietnam|VU Vanuatu|WF Wallis and Futuna|WS Samoa
YE Yemen|YT Mayotte|ZA South Africa|MO Macau|TR Türkiye|CV Cabo Verde|CI Ivory Coast|VN Viet Nam
HK Hong Kong, China|KR Korea, Rep.|GM The Gambia|BS The Bahamas|CD Democratic Republic of the Congo
CG Republic of the Congo|TZ United Republic of Tanzania|US United States of America
BQ Bonaire, Sint Eustatius and Saba|SH Saint Helena|BL Saint Barthelemy|RE Reunion|CW Curacao
SJ Svalbard and Jan Mayen
"""

# Hong Kong lies between 113.82 and 114.52 E, 22.13 and 22.58 N (its Survey and Mapping Office); what is
# north of 22.45 in that box is Shenzhen's coast, and no cable of Hong Kong lands there.  Macao: 113.52 to
# 113.60 E, 22.10 to 22.22 N.  Public lists call both China.
_WITHIN_CHINA = (("HK", 113.82, 114.52, 22.13, 22.45), ("MO", 113.52, 113.60, 22.10, 22.22))


@lru_cache(maxsize=1)
def _codes() -> Mapping[str, str]:
    found = {}
    for entry in _NAMES.replace("\n", "|").split("|"):
        if entry:
            code, _, name = entry.partition(" ")
            found[_key(name)] = code
    return found


def _key(name: str) -> str:
    return name.replace("’", "'").casefold().strip()


def country_code(name: str, lat: float | None = None, lon: float | None = None) -> str | None:
    """Give the ISO 3166-1 code of a country's name, exactly; None where it is none that is known here.

    ``lat``, ``lon``: position in degrees, by which Hong Kong and Macao are told from China.
    """
    code = _codes().get(_key(name))
    if code == "CN" and lat is not None and lon is not None:
        for part, west, east, south, north in _WITHIN_CHINA:
            if west <= lon <= east and south <= lat <= north:
                return part
    return code
