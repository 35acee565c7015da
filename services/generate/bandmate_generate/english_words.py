"""English words whose spelling misleads the rules: hyphens between syllables, an apostrophe before the stressed one.

A word of one syllable stands without marks. Forms with -s, -ed, -ing, -ly and 's are derived by the rules in
`syllables.py`, so only the stem stands here.
"""

_FUNCTION_WORDS = """
a an and are as at be been but by can could did do does for from had has have he her hers him his how i if in is it its
i'm i've i'll it's he's she's we're you're they're may me might must my nor of off on or our shall she should so some
than that the their them then there these they this those till to up us was we were what when where which while who whom
whose will with would you your yours o oh am let yet just 'cause 'til
"""


_WORDS = """
a-'bove a-'bout a-'cross a-'far a-'fraid a-'gain a-'gainst a-'head a-'like a-'live a-'lone a-'long a-'mong a-'part
a-'round
a-'rise a-'rose a-'shore a-'side a-'sleep a-'stray a-'wait a-'wake a-'ware a-'way a-'while a-'bide a-'dieu a-'dore
a-'do
a-'gree a-'larm a-'larmed a-'loud a-'maze a-'muse a-'void a-'woke a-'float a-'drift a-'glow a-'fire a-'las
al-'though
a-'men 'an-gel ap-'pear ar-'rive ap-'proach at-'tend at-'tack
be-'cause be-'come be-'came be-'fore be-'gin be-'gan be-'gun be-'hind be-'hold be-'lief be-'lieve be-'long be-'low
be-'neath
be-'side be-'sides be-'tween be-'tray be-'yond be-'ware be-'set be-'stow be-'lov-ed be-'queath
com-'mand com-'plete com-'pare con-'ceal con-'fess con-'fide con-'sole con-'tain con-'trol con-'fuse con-'sume
com-'pose
cre-'ate cre-'a-tion cre-'a-tor 'crea-ture
de-'cay de-'cide de-'ceive de-'clare de-'fend de-'fy de-'light de-'lay de-'ny de-'part de-'pend de-'scend de-'serve
de-'sire de-'spair de-'stroy de-'vote de-'vour de-'feat de-'mand de-'vice de-'sign di-'vide di-'vine di-'rect
dis-'guise dis-'may dis-'tress dis-'ap-pear
em-'brace em-'ploy en-'chant en-'close en-'dure en-'joy en-'fold en-'twine en-'rich e-'nough e-'lope en-'tire
es-'cape e-'rase
e-'vent e-'ven-tu-al ex-'cept ex-'change ex-'ist ex-'pect ex-'plain ex-'plore ex-'press ex-'tend ex-'alt ex-'claim
ex-'cuse
for-'bid for-'get for-'got for-'give for-'gave for-'lorn for-'sake for-'ev-er for-'ev-er-more for-'got-ten
for-'bid-den for-'giv-en
ful-'fill
him-'self her-'self my-'self it-'self your-'self our-'selves them-'selves your-'selves thy-'self one-'self
in-'deed in-'side in-'spire in-'tend in-'to in-'vite in-'vent in-'stead in-'crease im-'plore in-'volve in-'vade
in-'hale
mis-'take mis-'for-tune
o-'bey o-'kay on-'to out-'side ob-'serve oc-'cur of-'fend op-'pose
per-'haps per-'form per-'fume per-'ceive per-'mit pre-'fer pre-'pare pre-'serve pre-'tend pre-'vent pro-'claim
pro-'tect pro-'vide
pro-'long pro-'pose po-'lite po-'lice pur-'sue
re-'call re-'ceive re-'frain re-'gret re-'joice re-'lease re-'main re-'mark re-'mem-ber re-'mind re-'move re-'new
re-'pair re-'peat
re-'ply re-'pose re-'store re-'turn re-'veal re-'vere re-'vive re-'ward re-'build re-'gard re-'gain re-'late re-'lax
re-'sist
re-'sound re-'spect re-'tire re-'treat re-'fuse re-'quest re-'pent
se-'cure se-'date se-'rene sin-'cere sub-'lime sup-'pose sur-'prise sur-'round sur-'vive sus-'tain
to-'day to-'geth-er to-'mor-row to-'night to-'ward trans-'form
un-'bound un-'fold un-'til un-'known un-'kind un-'less un-'der-neath un-der-'stand un-der-'stood un-'seen un-'told
un-'done un-'true
un-'wind up-'on un-'tie un-'heard un-'born
with-'in with-'out with-'draw with-'stand where-'ev-er when-'ev-er what-'ev-er who-'ev-er how-'ev-er
when-'e'er where-'e'er what-'e'er
gui-'tar ma-'chine ho-'tel ca-'nal ca-'reer ci-'gar car-'toon ba-'zaar rou-'tine u-'nique la-'ment ca-'ress
em-'bar-rass
an-'tique fa-'tigue i-'de-a re-'al-i-ty 'real 're-al-ize 'real-ly
'po-em 'po-et 'po-e-try 'qui-et 'di-et 'li-on 'gi-ant 'vi-o-let vi-o-'lin 'vi-o-lence 'vi-o-lent 'sci-ence 'vi-al
'tri-al 'di-al 'qui-et-ly so-'ci-e-ty va-'ri-e-ty anx-'i-e-ty pi-'an-o 'fi-nal 'tri-umph 'de-i-ty 'be-ing 'see-ing
'vi-sion 'pi-lot 'du-et 'cru-el 'fu-el 'du-el 'ru-in 'flu-ent 'jew-el 'tow-el 'vow-el 'po-ems 'o-a-sis 'cha-os
'a-ble
'an-cient 'o-cean 'pa-tient 'pa-tience 'so-cial 'spe-cial 'con-science 'con-scious 'pre-cious 'gra-cious
'ra-di-ant 'ra-di-o 'vi-de-o 'ra-di-ance 'stu-di-o 'bril-liant 'sol-dier 'Ju-li-et 'mar-riage 'car-riage
'par-lia-ment 'var-i-ous 'val-iant 'mem-o-ry 'mel-o-dy 'har-mo-ny 'mys-ter-y 'his-to-ry 'vic-to-ry 'glo-ry
'ev-ery 'ev-'ry 'ev-en 'eve-ning 'ev-ery-one 'ev-ery-thing 'ev-ery-bod-y 'ev-ery-where 'ev-ery-day 'ev-er 'nev-er
'sev-en
'sev-er-al 'dif-ferent 'in-ter-est 'busi-ness 'choc-olate 'cam-era 'nat-u-ral 'gen-er-al 'Wednes-day 'veg-e-ta-ble
'nev-er-more ev-er-'more 'ev-er-green 'an-y 'an-y-one 'an-y-thing 'an-y-where 'an-y-way 'man-y 'bod-y 'an-y-bod-y
'some-bod-y 'no-bod-y
'no-one 'some-one 'some-thing 'some-times 'some-where 'some-how 'noth-ing
'peo-ple 'beau-ty 'beau-ti-ful 'coun-try 'jour-ney 'mo-ment 'si-lent 'si-lence 'o-pen 'o-ver 'i-ron 'wom-an 'wom-en
'hun-dred 'kin-dred 'na-ked 'sa-cred 'wick-ed 'crook-ed 'rag-ged 'rug-ged 'ha-tred 'bless-ed 'ag-ed 'wretch-ed
'jag-ged
'rhy-thm 'pris-m 'chas-m 're-al-is-m 'bap-tis-m
'heav-en 'e-vil 'riv-er 'wa-ter 'moun-tain 'foun-tain 'cur-tain 'cer-tain 'cap-tain 'val-ley 'hon-ey 'mon-ey
'fire 'hour 'our 'flour 'sour 'wire 'tire 'de-nial 'high-er 'flow-er 'pow-er 'tow-er 'show-er 'li-ar 'pray-er
'lay-er 'play-er
aye eye eyes eyed heart hearts hearth earth earths search year years hear dear near tear fear clear shore more
through though thought bought brought caught taught laugh cough rough tough bough dough weigh neigh sleigh eight
'neigh-bor 'neigh-bour 'daugh-ter 'laugh-ter 'slaugh-ter
great eye bye dye lye rye towards 'eye-lid 'eye-lids 'sev-en-ty 'wind-flow-er 'pol-ish 'pol-ished
are were there where here you your youth young soul souls love loves move gone done none come some one once
people's leave leaves lives lived please these those whose since hence whence
tongue tongues rogue vogue league plague vague queue quay guess guest guide guard guilt guise build built bruise
fruit suit juice
blue true due clue sue rue hue cue shoe shoes toe toes foe foes woe woes hoe doe goes does
'ar-gue 'is-sue 'val-ue 'tis-sue 'res-cue 'stat-ue 'vir-tue con-'tin-ue 'av-e-nue
'lan-guage 'an-guish 'lan-guid 'dis-tin-guish
aisle isle isles 'is-land 'par-a-dise 'mir-a-cle 'or-a-cle 'ar-ti-cle 'ob-sta-cle 'spec-ta-cle
ca-'the-dral e-'ter-nal e-'ter-ni-ty 'el-e-ment 'mon-u-ment 'in-stru-ment 'cem-e-ter-y 'mo-sa-ic
'cer-e-mo-ny de-'li-cious 'fa-vor-ite 'def-i-nite 'in-fi-nite 'op-po-site 'prom-ise 'of-fice 'no-tice
'jus-tice 'ser-vice 'prac-tice 'en-gine 'im-age 'vil-lage 'mes-sage 'pas-sage 'cour-age 'sav-age 'voy-age
'mu-sic 'mag-ic 'trag-ic ro-'mance ro-'man-tic fan-'tas-tic e-'lec-tric ec-'stat-ic po-'et-ic
Ma-'ri-a a-'re-na 'the-a-ter 'me-te-or 'vi-a 'the-o-ry 'the-sis
mo-'squi-to po-'ta-to to-'ma-to ba-'na-na hel-'lo hal-le-'lu-jah al-le-'lu-ia good-'bye fare-'well a-'mour a-'do-be
ca-'fe cli-'che re-'ci-pe 'kar-a-o-ke 'sim-i-le ca-'tas-tro-phe 'ep-i-to-me 'ul-ti-mate
'ten-e-ment 'prob-a-bly 'rea-son 'sea-son 'trea-son 'trea-sure 'plea-sure 'mea-sure 'na-ture 'fu-ture
'thou-sand 'shad-ow 'win-dow 'fol-low 'hol-low 'mead-ow 'wil-low 'sor-row 'yel-low
'some-day 'birth-day 'yes-ter-day 'hol-i-day 'Sat-ur-day 'Feb-ru-ar-y 'Jan-u-ar-y De-'cem-ber Sep-'tem-ber
No-'vem-ber Oc-'to-ber
Ju-'ly 'Au-gust A-'mer-i-ca i-'mag-ine i-mag-i-'na-tion 'Eu-rope 'In-dia
'love-ly 'lone-ly 'lone-li-ness 'lone-some 'hope-ful 'hope-less 'care-ful 'care-less 'grace-ful 'peace-ful
'rest-less
'house-hold 'grave-yard 'home-ward 'home-less 'home-land 'fire-light 'fire-side 'fire-fly 'fire-place 'rain-bow
'sea-side 'here-af-ter
'there-fore 'where-fore 'there-af-ter 'time-less 'time-piece 'life-time 'name-less 'shame-less 'safe-ly 'safe-ty
'nine-teen 'nine-ty
'make-shift 'wide-spread 'like-wise 'else-where 'base-ball 'ice-berg 'pine-ap-ple 'horse-man 'horse-back 'noise-less
'voice-less
'rose-bud 'rose-mar-y 'space-ship 'space-man 'store-room 'fore-head 'side-walk 'like-ness 'ware-house 'bare-foot
'vine-yard
'hide-a-way 'take-a-way 'care-free 'stone-wall 'lime-light 'pipe-line 'whole-some 'tire-some 'clothes 'rec-og-nize
'mil-lion 'bil-lion 'trac-tion o-'pin-ion com-'pan-ion 'me-di-um re-'li-gion
e-'mo-tion de-'vo-tion com-'mo-tion 'pas-sion 'fash-ion 'per-son 'les-son 'lis-ten 'of-ten 'soft-en 'whis-tle
'cas-tle
'whis-per 'sis-ter 'mas-ter 'mis-ter 'win-ter 'af-ter 'un-der 'won-der 'thun-der 'wan-der 'ten-der 'sum-mer
'hor-i-zon
'an-i-mal 'el-e-phant 'but-ter-fly 'chil-dren 'gar-den 'gold-en 'wood-en 'hid-den 'sud-den 'bro-ken 'spo-ken
'cho-sen 'fro-zen
'sto-len 'wo-ven 'fall-en 'ris-en 'giv-en 'driv-en 'tak-en 'wak-en 'sha-ken
'gon-na 'wan-na 'got-ta 'kin-da 'ba-by 'la-dy 'ma-ry 'hap-py 'sto-ry 'a-corn 'a-pron 'pa-per 'ta-ble
naive cocoa 'ca-noe 'si-ege 'vac-u-um 'du-o 'tri-o 'zo-o 'o-boe 'vir-tu-ous
i-'den-ti-ty ac-'cor-di-on ap-'point ap-'plause ac-'cept ac-'cuse ad-'mire ad-'mit ad-'vance ad-'vice al-'low
al-'read-y al-'might-y al-to-'geth-er af-'fec-tion a-'bun-dance a-'noth-er
'oth-er 'moth-er 'fa-ther 'broth-er 'weath-er 'feath-er 'leath-er 'gath-er 'rath-er 'ei-ther 'nei-ther 'wheth-er
a-'ro-ma au-'ro-ra ma-'jor-i-ty mi-'nor-i-ty vol-'ca-no to-'bac-co
'co-op-er-ate 'in-no-cent 'in-no-cence 'lul-la-by 'mid-night 'twi-light 'star-light 'moon-light
'sun-light 'sun-rise 'sun-set 'day-light 'can-dle-light 'no-where 'an-swer 'au-tumn 'sol-emn 'col-umn
sur-'ren-der dis-'cov-er 'ar-e-a i-'de-al 'fam-i-ly 'fam-ine 'di-a-mond 'the-a-tre 'A-pril 'an-y-more a-'lu-mi-num
'un-ion 'on-ion a-'pos-tro-phe bal-'loon hal-'lo 'med-i-cine 'med-al mac-'a-bre 'seem-ing 'gla-di-a-tor 'mar-i-gold
'e-go 'ze-ro 'he-ro 'pho-to 'so-lo 'mi-lan
"""


def _parse(entry: str) -> tuple[str, tuple[tuple[str, ...], int]]:
    """'be-'gin' → ('begin', (('be', 'gin'), 1)); an apostrophe elsewhere belongs to the word."""
    syllables = entry.split("-")
    stressed = next((index for index, part in enumerate(syllables) if part.startswith("'")), 0)
    clean = tuple(part.removeprefix("'").lower() for part in syllables)
    return "".join(clean), (clean, stressed)


WORDS: dict[str, tuple[tuple[str, ...], int]] = dict(_parse(entry) for entry in _WORDS.split())
"""Word → its syllables and the index of the stressed one."""

FUNCTION_WORDS = frozenset(_FUNCTION_WORDS.split())
"""Words of one syllable that are usually sung weak."""
