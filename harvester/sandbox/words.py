"""The words of the sandbox: what people write under photos, in the scripts they write it in."""

SUBJECTS: tuple[tuple[str, str], ...] = (
    ("A monkey in the snow", "monkey|snow|animal|Macaca fuscata|winter"),
    ("Monkey business 🐒", "monkey|animal|funny|zoo"),
    ("ニホンザル 🙈🙉🙊", "ニホンザル|猿|monkey|長野|snow monkey"),
    ("Chimp with a stick", "chimp|Chimpanzee|animal|tool use"),
    ("Sunset over the harbour", "sunset|harbour|sea|boats|evening"),
    ("Café de Flore, été 1962", "café|Paris|été|street|black and white"),
    ("Das Münster von Süden", "Münster|Kirche|Gotik|architecture"),
    ("Żółw i łódź", "żółw|łódź|Polska|jezioro"),
    ("Příliš žluťoučký kůň", "kůň|Praha|Česko|horse"),
    ("Smørrebrød på bryggen", "smørrebrød|mad|København|food"),
    ("İstanbul'da yağmur", "İstanbul|yağmur|rain|Boğaz"),
    ("Красная площадь зимой", "Москва|зима|Россия|Red Square|snow"),
    ("Білий кінь на лузі", "кінь|Україна|луг|horse"),
    ("Ακρόπολη το βράδυ", "Ακρόπολη|Αθήνα|Ελλάδα|Greece|night"),
    ("غروب الشمس على النيل", "النيل|القاهرة|مصر|sunset|river"),
    ("ירושלים של זהב", "ירושלים|ישראל|old city|sunrise"),
    ("दिल्ली का लाल क़िला", "दिल्ली|लाल क़िला|भारत|fort"),
    ("東京タワーの夜景", "東京|夜景|tower|night|日本"),
    ("長城 The Great Wall", "長城|北京|中国|wall|travel"),
    ("경복궁의 봄", "경복궁|서울|봄|palace|spring"),
    ("วัดพระแก้ว", "วัดพระแก้ว|กรุงเทพ|temple|Thailand"),
    ("My family 👩‍👩‍👧‍👦 at the beach", "family|beach|summer|people"),
    ("Flag day 🇫🇷🏳️‍🌈", "flag|parade|city|people"),
    ('St. John&#039;s &amp; the "Old" Harbour', "St. John's|harbour|boats|Newfoundland"),
    ("<b>Sold!</b> Lot 17 &lt;unframed&gt;", "auction|art|painting|R&B"),
    ('C:\\photos\\holiday\\"best" of', "holiday|backup|misc"),
    ("Tyne & Wear, the bridge", "bridge|river|Newcastle|Tyne & Wear"),
    ("Grapes of Wrath, first edition", "The Grapes of Wrath|book|library|1939"),
    ("A bridge at night", "bridge|night|long exposure|city|lights"),
    ("A bird on the fence", "bird|animal|garden|nature"),
    ("A train in the rain", "train|rain|station|railway"),
    ("The old lighthouse", "lighthouse|sea|coast|architecture"),
    ("Mountain lake at dawn", "mountain|lake|dawn|hiking|nature"),
    ("Market day", "market|food|street|people|colour"),
    ("Portrait of a stranger", "portrait|street|people|black and white"),
    ("Cathedral, west front", "cathedral|church|architecture|Gothic"),
    ("Untitled Object, 1887", "museum|archive|history|1887"),
    ("Cat 🐈 on a warm car", "cat|animal|car|street"),
    ("Concert at the town hall", "concert|music|live|band|night"),
    ("Autumn leaves", "autumn|leaves|forest|nature|red"),
)
"""Title, and raw tags parted by |."""

COMMON_TAGS = tuple(
    "Canon|Nikon|Leica M3|iPhone|film|Kodak Portra 400|Ilford HP5|35mm|f/1.8|bw|Black & White|b+w|HDR|macro|bokeh|"
    "travel|Europe|Asia|holiday|2009|summer|winter|spring|geotagged|square format|flickr|explore|Creative Commons|"
    "São Paulo|Zürich|Ørestad|mañana|naïve|crème brûlée|фото|природа|写真|風景|사진|صورة|תמונה|φωτογραφία|"
    "rock'n'roll|U.S.A.|new york city|self-portrait|365|project 365|day 42|!!!|...|❤️|🐒|tea & cake|public domain|"
    "red|green|blue|light|shadow|water|sky|tree|house|window|door|people|woman|man|child|dog|horse|flower".split("|")
)

MACHINE_TAGS = (
    "taxonomy:binomial=Macaca fuscata",
    "taxonomy:genus=Macaca",
    "taxonomy:common=Japanese macaque",
    "geo:lat=36.7327",
    "geo:lon=138.4622",
    "geo:tool=gmif",
    "dc:creator=http://nla.gov.au/nla.party-584520",
    "dc:coverage=1914",
    "dc:title=The Grapes of Wrath",
    "upcoming:event=81334",
    "lastfm:event=1023",
    "foursquare:venue=4b5c",
    "camera:make=Leica",
    "xmlns:dc=http://purl.org/dc/elements/1.1/",
    "bhl:page=11346",
    "ns:größe=klein",
)

SENTENCES = (
    "This is a photo of a place that we all like.",
    "Taken on a walk along the river, just after the rain.",
    "It was cold, and the light was gone in a minute.",
    "See the large version &quot;on black&quot; &amp; tell me what you think.",
    '<a href="https://www.example.org/a?b=1&amp;c=2" rel="noreferrer nofollow">www.example.org/a?b=1&amp;c=2</a>',
    "<b>Please do not use this image</b> without my <i>explicit</i> permission.",
    "Kodak Tri-X 400, developed in Rodinal 1+50 @ 20°C for 13½ minutes — scanned at 4800 dpi…",
    "Foto: privat. Größe: 18×24 cm. Straße nach Süden, im März.",
    "L&#039;été dernier, à côté de l&#039;église ; où est passé le garçon ?",
    "¡Qué día! ¿Dónde está el niño? Mañana será otro día.",
    "Снято на плёнку «Свема», объектив Гелиос-44.",
    "Η φωτογραφία τραβήχτηκε το ηλιοβασίλεμα.",
    "صورة قديمة من ألبوم العائلة، القاهرة ١٩٦٢.",
    "תמונה ישנה מהאלבום של סבא (1948).",
    "यह तस्वीर पुरानी दिल्ली की है।",
    "これは去年の冬に撮った写真です。「寒かった!」",
    "这张照片是在长城上拍的,天气很好。",
    "지난 봄에 찍은 사진입니다.",
    "ภาพนี้ถ่ายที่กรุงเทพฯ เมื่อปีที่แล้ว",
    "Love it 😍👍🏽👨‍👩‍👧 ❤️‍🔥 — 10/10 would visit again 🎉",
    "Viitekood / Reference code: EAA.1438.1.30.22",
    'C:\\scans\\box 7\\negative "B" \\ left half; 100% crop, 3/4 view',
    "Rights Info: No known restrictions on publication.\tFolder 12, sheet 3.",
    "And here is the second page of a long story that I will not tell in full.",
    "Zero\u200bwidth, soft\u00adhyphen, non\u00a0breaking, a combining e\u0301 and the ligature ﬁ.",
)

GIVEN_NAMES = (
    "Alex|Józef|Zoë|Søren|Иван|Ελένη|محمد|דוד|अनिल|花子|小明|민준|สมชาย|María|François|Ayşe|Björk|Nguyễn|O'Brien|Ann-Marie"
).split("|")
FAMILY_NAMES = (
    "Chan|Nowak|Müller|Hansen|Петров|Παπαδοπούλου|الأحمد|כהן|शर्मा|山田|王|김|ใจดี|García|Lefèvre|Yılmaz|Guðmundsdóttir|"
    "Tyne & Wear|van der Berg|Smith"
).split("|")
USER_WORDS = (
    "snow|monkey|silver|retro|pixel|lumière|zorki|камера|photo|wander|night|river|north|old|happy|tiny|blue|archive|city|film"
).split("|")

COMMENTS = (
    "Great shot!",
    "they are the focal point . I lvoe this!",
    "Seen in <b>Explore</b> 👏👏👏",
    "[https://www.flickr.com/photos/somebody] thanks, it was a cold day &amp; I nearly fell in",
    "Très belle photo, félicitations !\n\nJe l&#039;ai ajoutée à ma galerie.",
    "すばらしい!",
    "Прекрасный снимок",
    "What lens did you use?\r\n-- \r\nsent from my phone",
)

SET_TITLES = (
    "Holiday|2009|Best of|Family 👨‍👩‍👧|Zoo & animals|Black and White|Москва|東京|Ελλάδα|Old scans|"
    "Project 365|To be sorted|Café|مصر"
).split("|")
