"""Cases in which parsers of JSON differ, as literal values: each is sent in `{"v":…}`.

They restate the cases of Nicolas Seriot's JSONTestSuite (318 at its commit 1ef36fa) without the one-item lists that
contain most of them there. `TAKEN` are valid JSON; `REFUSED` are not; `OPEN` may be either, and
each says what is decided here; `STRICTER` are JSON to that suite, but not here.
"""

_HUGE = "0.4e00" + "66" + "9" * 120

_TAKEN_NUMBERS = b"""123e65 0e+1 0e1 4 -0.000000000000000000000000000000000000000000000000000000000000000000000000000001
20e1 -0 -123 -1 1E22 1E-2 1E+2 123e45 123.456e78 1e-2 1e+2 123 123.456789 42 -0.1"""
_TAKEN_TEXTS = [
    r"", r" ", r"asd", r"asd ", r"a/*b*/c/*d//e", r"\u0060\u012a\u12AB", r"\uD801\udc37", r"\ud83d\ude39\ud83d\udc8d",
    r"\"\\\/\b\f\n\r\t", r"\\u0000", r"\"", r"\\a", r"\\n", r"\u0012", r"\uFFFF", r"\uDBFF\uDFFF", r"new\u00A0line",
    "\U0010ffff", "\uffff", r"\u0000", r"\u002c", "π", "\U0001bfff", r"\uD834\uDd1e", r"\u0821", r"\u0123", "\u2028",
    "\u2029", r"\u0061\u30af\u30EA\u30b9", r"new\u000Aline", "\x7f", r"\uA66D", r"\u005C", "⍂㈴⍂", r"\uDBFF\uDFFE",
    r"\uD83F\uDFFE", r"\u200B", r"\u2064", r"\uFDD0", r"\uFFFE", r"\u0022", "€𝄞", "a\x7fa",
]  # fmt: skip
_TAKEN_REST = [
    "[[]   ]", '[""]', "[]", '["a"]', "[false]", '[null, 1, "1", {}]', "[null]", "[1\n]", " [1]", "[1,null,null,null,2]",
    "[2] ", "[ 4]", "[true]", " [] ", '[ "asd"]', '["a"]\n', "true", "false", "null", "{}", '{"":0}', '{"a":[]}',
    '{"asd":"sdf", "dfg":"fgh"}', '{"asd":"sdf"}', r'{"foo\u0000bar": 42}', '{ "min": -1.0e+28, "max": 1.0e+28 }',
    '{"x":[{"id": "' + "x" * 40 + '"}], "id": "' + "x" * 40 + '"}', '{\n"a": "b"\n}',
    r'{"title":"\u041f\u043e\u043b\u0442\u043e\u0440\u0430 \u0417\u0435\u043c\u043b\u0435\u043a\u043e\u043f\u0430" }',
]  # fmt: skip

_REFUSED_NUMBERS = rb"""++1234 +1 +Inf -01 -1.0. -2. -NaN .-1 .2e-3 0.1.2 0.3e+ 0.3e 0.e1 0E+ 0E 0e+ 0e 1.0e+ 1.0e- 1.0e
1eE2 2.e+3 2.e-3 2.e3 9.e+ Inf NaN 1+2 0x1 0x42 Infinity 0e+-1 -123.123foo -Infinity -foo -012 -.123 -1x 1ea 1. .123
1.2a-3 1.8011670033376514H-308 012 - 1:2 * x abc 2@ True fals nul tru \n <.> <null> 'a' ['a'] [' a\u00e5 [1]x [1]] 1] ] [ [][]"""
_REFUSED_LISTS = [
    b"[1 true]", b'["": 1]', b'[""],', b"[,1]", b"[1,,2]", b'["x",,]', b'["x"]]', b'["",]', b'["x"', b"[x", b"[3[4]]", b"[,]",
    b'[   , ""]', b'["a",\n4\n,1,', b"[1,]", b"[1,,]", b'["\x0ba"\\f]', b'[""', b"[1,", b"[1,\n1\n,1", b"[{}", b'["x", truth]',
    b"- 1", b"1 000.0", b"123\x00", b"a\xe5", b"\xff", b"\xef\xbc\x91", b"123\xe5", b"1e1\xe5", b"0\xe5\n", b"1e\xe5", b"\xe5",
    b"\xe2\x81\xa0", b"\xef\xbb\xbf", b"\xef\xbb{}", b"[\x00]", b"[\x0c]", b"\xc3\xa5", b"a\xc3\xa5", b"\xe9", b"", b" ", b"[,",
    b"[{", b'["a', b'["a"', b'["\\{["\\{["\\{["\\{', b'[\\u000A""]', b"[1", b"[ false, nul", b"[ true, fals", b"[ false, tru",
    b"[" * 100_000, b'[{"":' * 50_000 + b"\n",
]  # fmt: skip
_REFUSED_OBJECTS = [
    b'{[: "x"}\n', b'{"x", null}', b'{"x"::"b"}', b"{\xf0\x9f\x87\xa8\xf0\x9f\x87\xad}", b'{"a":"a" 123}', b"{key: 'value'}",
    b'{"\xb9":"0",}', b'{"a" b}', b'{:"b"}', b'{"a" "b"}', b'{"a":', b'{"a"', b"{1:1}", b"{9999E9999:1}", b"{null:null,null:null}",
    b'{"id":0,,,,,}', b"{'a':0}", b'{"id":0,}', b'{"a":"b"}/**/', b'{"a":"b"}/**//', b'{"a":"b"}//', b'{"a":"b"}/',
    b'{"a":"b",,"c":"d"}', b'{a: "b"}', b'{"a":"a', b'{ "foo" : "bar", "a" }', b'{"a":"b"}#', b'{"x": true,', b"{}}", b'{"":',
    b'{"a":/*comment*/"b"}', b'{"a": true} "x"', b"{", b"{]", b"{,", b"{[", b'{"a', b"{'a'", b'{"a":"b"}#{}', b'{"asd":"asd"',
]  # fmt: skip
_REFUSED_TEXTS = [
    rb'"\uD800\"', rb'"\uD800\u"', rb'"\uD800\u1"', rb'"\uD800\u1x"', b"\xc3\xa9", b'"\\\x00"', rb'"\x00"', rb'"\\\"', b'"\\\t"',
    b'"\\\xf0\x9f\x8c\x80"', rb'"\"', rb'"\u00A"', rb'"\uD834\uDd"', rb'"\uD800\uD800\x"', b'"\\u\xe5"', rb'"\a"', rb'"\uqqqq"',
    b'"\\\xe5"', rb'\u0020"asd"', b'"', b"'single quote'", b'"\\', b'"a\x00a"', b'"new\nline"', b'"\t"', rb'"\UA66D"', b'""x', b'"asd',
]  # fmt: skip

TAKEN = [
    *_TAKEN_NUMBERS.split(),
    *(f'"{text}"'.encode() for text in _TAKEN_TEXTS),
    *(text.encode() for text in _TAKEN_REST),
]
REFUSED = [*_REFUSED_NUMBERS.split(), *_REFUSED_LISTS, *_REFUSED_OBJECTS, *_REFUSED_TEXTS]
STRICTER = [b'{"a":"b","a":"c"}', b'{"a":"b","a":"b"}']  # it is not known which of the two is meant
OPEN = {
    # a number of any size is stored as posted; one that no column can store quarantines its record later
    **dict.fromkeys(
        b"123.456e-789 -1e+9999 1.5e+9999 -123123e100000 123123e100000 123e-10000000 100000000000000000000"
        b" -123123123123123123123123123123 -237462374673276894279832749832423479823246327846".split(),
        True,
    ),
    _HUGE.encode(): True,
    b"1e-99999999999999999999": True,
    # half of a surrogate pair is not a character
    **dict.fromkeys(
        rb'{"\uDFAA":0} "\uDADA" "\uD888\u1234" "\uD800\n" "\uDd1ea" "\uD800\uD800\n" "\ud800" "\ud800abc" "\uDd1e\uD834" "\uDFAA"'.split(),
        False,
    ),
    # bytes that are not UTF-8 are refused, never guessed
    **dict.fromkeys(
        [
            b'"\xe6\x97\xa5\xd1\x88\xfa"', b'"\xed\xa0\x80"', b'"\xff"', b'"\xe9"', b'"\x81"', b'"\xf4\xbf\xbf\xbf"', b'"\xc0\xaf"',
            b'"\xfc\x83\xbf\xbf\xbf\xbf"', b'"\xfc\x80\x80\x80\x80\x80"', b'"\xe0\xff"',
        ],
        False,
    ),
    b"[" * 500 + b"]" * 500: False,  # 200 levels are enough for everybody
}  # fmt: skip
WHOLE = {  # bodies of their own
    b"\xef\xbb\xbf{}": True,  # a byte-order mark in front is ignored
    '{"v":"é"}'.encode("utf-16"): False,
    '{"v":"é"}'.encode("utf-16-le"): False,
    '{"v":"é"}'.encode("utf-16-be"): False,
    '{"v":"é"}'.encode("utf-32"): False,
    b"[]": True,  # a list of no records
    **dict.fromkeys([b"42", b"-0.1", b"null", b"true", b"false", b'"asd"', b'""', b"[1]", b'[{"a":1},2]', b"[[{}]]"], False),  # no record
    **dict.fromkeys([b"", b" ", b"\xef\xbb\xbf", b"[", b"{", b"]", b"{}}", b"{} {}", b'{"a":1}x', b"\x00", b"[{}", b"[{},]", b"[{}]]"], False),
}  # fmt: skip
