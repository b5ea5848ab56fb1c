"""What a user names, as identifiers and comments of a language: nothing of it can become code.

`identifier` keeps letters, digits and single underscores, spells Greek letters out, shortens what is long to
a part and its hash, and appends _ to every word that means something else: keywords, the standard library,
and the names that generated code uses itself. It is a function of the text alone.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from typing import Final, Literal, TypeAlias

Language: TypeAlias = Literal["c", "python"]

LONGEST: Final = 40
_DIGITS: Final = 8  # of the hash in a shortened name
_ESCAPE: Final[dict[Language, str]] = {"c": "_1", "python": "_"}  # C++ reserves two underscores in a row

_LOCAL: Final = """
    a alpha args b backward batch beta1 beta2 bias c call count data delta delta1 delta2 dx eps error eta
    first forward fprime g grad grads gradient h h1 hessian hvp i ii index j jj k kk l lam layer layers
    loss loss_and_gradient m main math mu n number out output p params print product q r real rows s
    sample samples second self size slope slope1 state states step sum t target test total u update v
    value w w1 work x y z
"""
_C: Final = """
    auto break case char const continue default do double else enum extern float for goto if inline int
    long register restrict return short signed sizeof static struct switch typedef union unsigned void
    volatile while alignas alignof and and_eq asm atomic_cancel atomic_commit atomic_noexcept bitand bitor
    bool catch char16_t char32_t char8_t class co_await co_return co_yield compl concept consteval
    constexpr constinit const_cast decltype delete dynamic_cast explicit export false final friend import
    module mutable namespace new noexcept not not_eq nullptr operator or or_eq override private protected
    public reflexpr reinterpret_cast requires static_assert static_cast synchronized template this
    thread_local throw true try typeid typename typeof using virtual wchar_t xor xor_eq fortran near far
    huge pascal interrupt linux unix i386 std float NULL EOF BUFSIZ FILE SIZE_MAX INT_MAX CHAR_BIT
    RAND_MAX INFINITY NAN HUGE_VAL M_PI I TRUE FALSE size_t ptrdiff_t wint_t wctype_t fpos_t time_t
    clock_t tm va_list jmp_buf sig_atomic_t intmax_t uintmax_t intptr_t uintptr_t int8_t int16_t int32_t
    int64_t uint8_t uint16_t uint32_t uint64_t float_t double_t lconv isalnum isalpha isblank iscntrl
    isdigit isgraph islower isprint ispunct isspace isupper isxdigit tolower toupper isfinite isinf isnan
    isnormal isgreater isless islessgreater isunordered signbit fpclassify abs labs llabs div ldiv lldiv
    atof atoi atol atoll strtod strtof strtold strtol strtoll strtoul strtoull rand srand calloc free
    malloc realloc abort atexit exit getenv system bsearch qsort mblen mbtowc wctomb mbstowcs wcstombs
    memcpy memmove memcmp memchr memset strcpy strncpy strcat strncat strcmp strcoll strncmp strxfrm
    strchr strcspn strpbrk strrchr strspn strstr strtok strerror strlen remove rename tmpfile tmpnam
    fclose fflush fopen freopen setbuf setvbuf fprintf fscanf printf scanf snprintf sprintf sscanf
    vfprintf vprintf vsprintf vsnprintf fgetc fgets fputc fputs getc getchar gets putc putchar puts ungetc
    fread fwrite fgetpos fseek fsetpos ftell rewind clearerr feof ferror perror stdin stdout stderr
    longjmp raise clock difftime mktime asctime ctime gmtime localtime strftime localeconv setlocale
    va_start va_arg va_end va_copy offsetof index rindex read write open close link unlink select signgam
    gamma j0 j1 jn y0 y1 yn drem significand
"""
_HEADERS: Final = """
    assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdarg stdbool
    stddef stdint stdio stdlib string tgmath time wchar wctype
"""
_MATH: Final = """
    acos asin atan atan2 cos sin tan acosh asinh atanh cosh sinh tanh exp exp2 expm1 exp10 frexp ilogb
    ldexp log log10 log1p log2 logb modf scalbn scalbln cbrt fabs hypot pow sqrt erf erfc lgamma tgamma
    ceil floor nearbyint rint lrint llrint round lround llround trunc fmod remainder remquo copysign nan
    nextafter nexttoward fdim fmax fmin fma
"""
_PYTHON: Final = """
    False None True and as assert async await break class continue def del elif else except finally for
    from global if import in is lambda nonlocal not or pass raise return try while with match case type
    Ellipsis NotImplemented StopIteration abs aiter all anext any ascii bin bool breakpoint bytearray
    bytes callable chr classmethod compile complex copyright credits delattr dict dir divmod enumerate
    eval exec exit filter float format frozenset getattr globals hasattr hash help hex id input int
    isinstance issubclass iter len license list locals map max memoryview min next object oct open ord pow
    print property quit range repr reversed round set setattr slice sorted staticmethod str sum super
    tuple vars zip np numpy jnp jax torch nn F functools math typing sys os re abc array ast code codecs
    collections copy copyreg dataclasses datetime dis enum inspect io itertools json keyword linecache
    logging numbers operator pickle platform queue random reprlib secrets select signal socket stat string
    struct subprocess tempfile threading time token tokenize traceback types unittest uuid warnings
    weakref yield BaseExceptionGroup ExceptionGroup GeneratorExit KeyboardInterrupt StopAsyncIteration
    SystemExit
"""

LOCAL: Final = frozenset(_LOCAL.split())  # what generated code calls its own
RESERVED: Final[dict[Language, frozenset[str]]] = {
    "c": frozenset(_C.split()) | {f"{name}{end}" for name in _MATH.split() for end in ("", "f", "l")},
    "python": frozenset(f"{_PYTHON} {_MATH}".split()),
}


def identifier(text: str, language: Language, *, beside: frozenset[str] = LOCAL) -> str:
    """An identifier for what a user calls something, unlike those it stands beside; a text that is one stays.

    >>> identifier("while", "c"), identifier("2-3-1", "c"), identifier("Σ β²", "python")
    ('while_1', 'n2_3_1', 'sigma_beta2')
    """
    name = re.sub(r"[^A-Za-z0-9]+", "_", _spelt(text)).strip("_")
    name = f"n{name}" if name[:1].isdigit() else name or "unnamed"
    if len(name) > LONGEST:
        name = _marked(name, text)
    return f"{name}{_ESCAPE[language]}" if name in beside or _is_reserved(name, language) else name


def identifiers(names: Iterable[str], language: Language) -> dict[str, str]:
    """An identifier for each of these names, no two alike, not even in upper case: C's macros are. A name is
    marked with its hash where one before it has the identifier.
    """
    chosen: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        found, attempt = identifier(name, language), 0
        while found.upper() in taken:
            found, attempt = (
                _marked(identifier(name, language).strip("_"), f"{name}{attempt or ''}"),
                attempt + 1,
            )
        taken.add(found.upper())
        chosen[name] = found
    return chosen


def comment(text: str, language: Language) -> str:
    """A text as one line that may stand in any comment or docstring of the language.

    What is invisible becomes a space; what ends a comment or a string, or continues a line, is taken apart.

    >>> comment("a */ b", "c"), comment('say \"\"\"', "python")
    ('a * / b', "say '''")
    """
    line = "".join(" " if unicodedata.category(character) in _INVISIBLE else character for character in text)
    line = " ".join(line.split()).replace("\\", "∖")
    if language == "python":
        return re.sub("coding([:=])", r"coding \1", line.replace('"', "'"))  # it would name the encoding
    return re.sub(r"\*(?=/)|/(?=\*)|\?(?=\?)", r"\g<0> ", line)  # ??/ is a backslash to some compilers


_INVISIBLE: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Zl", "Zp"})


def _is_reserved(name: str, language: Language) -> bool:
    """Files may not tell upper from lower case, so Math.h would be taken for <math.h>."""
    if language == "c":
        return name in RESERVED["c"] or name.lower() in _HEADERS.split()
    return name in RESERVED["python"] or name.endswith(("Error", "Exception", "Warning"))


def _marked(name: str, text: str) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{name[: LONGEST - _DIGITS - 1].rstrip('_')}_{digest}"


def _spelt(text: str) -> str:
    """Without accents, Greek letters by their names."""
    return "".join(
        unicodedata.name(character).split()[-1].lower()
        if "GREEK" in unicodedata.name(character, "")
        else character
        for character in unicodedata.normalize("NFKD", text)
    )
