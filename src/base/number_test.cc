#include "base/number.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

#include "base/random.h"

namespace holdfast {
namespace {

using namespace std::literals;

TEST(ParseInt64, TakesCanonicalTextOnly) {
  EXPECT_EQ(parse_int64("0"), 0);
  EXPECT_EQ(parse_int64("-1"), -1);
  EXPECT_EQ(parse_int64("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(parse_int64("-9223372036854775808"), INT64_MIN);
  for (std::string_view const bad : {"", "-", "-0", "00", "01", "-01", "+1", " 1", "1 ", "1a", "1.0", "0x1",
                                     "9223372036854775808", "-9223372036854775809", "18446744073709551615",
                                     "99999999999999999999", "-99999999999999999999", "100000000000000000000"}) {
    EXPECT_EQ(parse_int64(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_int64("1\0"sv), std::nullopt);
}

TEST(ParseUint64Lenient, TakesWhatStreamIdsTake) {
  EXPECT_EQ(parse_uint64_lenient("0"), 0u);
  EXPECT_EQ(parse_uint64_lenient(" 1"), 1u);
  EXPECT_EQ(parse_uint64_lenient("\v6"), 6u);
  EXPECT_EQ(parse_uint64_lenient("+5"), 5u);
  EXPECT_EQ(parse_uint64_lenient("05"), 5u);
  EXPECT_EQ(parse_uint64_lenient("000000000000000000000000000007"), 7u);
  EXPECT_EQ(parse_uint64_lenient("18446744073709551615"), UINT64_MAX);
  EXPECT_EQ(parse_uint64_lenient(" -1"), UINT64_MAX);
  for (std::string_view const bad : {""sv, " "sv, "-1"sv, "5 "sv, "0x1"sv, "18446744073709551616"sv, "5\0"sv}) {
    EXPECT_EQ(parse_uint64_lenient(bad), std::nullopt) << bad;
  }
}

TEST(ParseScanCursor, RefusesLeadingBlanksAndTakesTheEmptyText) {
  EXPECT_EQ(parse_scan_cursor("0"), 0u);
  EXPECT_EQ(parse_scan_cursor(""), 0u);
  EXPECT_EQ(parse_scan_cursor("00"), 0u);
  EXPECT_EQ(parse_scan_cursor("+7"), 7u);
  EXPECT_EQ(parse_scan_cursor("-1"), UINT64_MAX);
  EXPECT_EQ(parse_scan_cursor("5\0x"sv), 5u);
  EXPECT_EQ(parse_scan_cursor("18446744073709551615"), UINT64_MAX);
  for (std::string_view const bad : {" 0", "\t5", "\v0", " -1", "5 ", "0x1", "+ 0", "18446744073709551616"}) {
    EXPECT_EQ(parse_scan_cursor(bad), std::nullopt) << bad;
  }
}

TEST(FormatInt64, EveryLength) {
  EXPECT_EQ(to_text(0), "0");
  EXPECT_EQ(to_text(INT64_MIN), "-9223372036854775808");
  EXPECT_EQ(to_text(INT64_MAX), "9223372036854775807");
  EXPECT_EQ(to_text_unsigned(UINT64_MAX), "18446744073709551615");
  uint64_t power = 1;
  for (int digits = 1; digits <= 20; ++digits) {
    for (uint64_t const value : {power - 1, power, power + 1}) {
      EXPECT_EQ(to_text_unsigned(value), std::to_string(value));
      EXPECT_EQ(to_text(static_cast<int64_t>(value)), std::to_string(static_cast<int64_t>(value)));
    }
    power *= 10;
  }
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    auto const value = static_cast<int64_t>(random.next() >> random.below(64));
    EXPECT_EQ(to_text(value), std::to_string(value));
    EXPECT_EQ(parse_int64(to_text(value)), value);
  }
}

TEST(ParseDouble, TakesWhatStrtodTakes) {
  EXPECT_EQ(parse_double("1.5"), 1.5);
  EXPECT_EQ(parse_double("5."), 5.0);
  EXPECT_EQ(parse_double(".5"), 0.5);
  EXPECT_EQ(parse_double("-.5"), -0.5);
  EXPECT_EQ(parse_double("+3"), 3.0);
  EXPECT_EQ(parse_double("1e3"), 1000.0);
  EXPECT_EQ(parse_double("0x10"), 16.0);
  EXPECT_EQ(parse_double("-0x1p3"), -8.0);
  EXPECT_EQ(parse_double("4.9e-324"), 4.9406564584124654e-324);
  EXPECT_EQ(parse_double("1e-310"), 1e-310);
  for (std::string_view const inf : {"inf", "+inf", "INF", "Infinity"}) EXPECT_EQ(parse_double(inf), HUGE_VAL) << inf;
  EXPECT_EQ(parse_double("-inf"), -HUGE_VAL);
  for (std::string_view const bad :
       {""sv, " 1"sv, "1 "sv, "nan"sv, "-nan"sv, "nan(1)"sv, "1e400"sv, "-1e400"sv, "1e-400"sv, "1e"sv, "0x"sv, "."sv,
        "1_0"sv, "1.0\0"sv, "abc"sv, "0x1p-1080"sv, "--1"sv}) {
    EXPECT_EQ(parse_double(bad), std::nullopt) << bad;
  }
}

TEST(FormatDouble, LayoutOfLaterVersions) {
  EXPECT_EQ(format_double(0.1), "0.1");
  EXPECT_EQ(format_double(3), "3");
  EXPECT_EQ(format_double(-3), "-3");
  EXPECT_EQ(format_double(0.0), "0");
  EXPECT_EQ(format_double(-0.0), "-0");
  EXPECT_EQ(format_double(HUGE_VAL), "inf");
  EXPECT_EQ(format_double(-HUGE_VAL), "-inf");
  EXPECT_EQ(format_double(std::nan("")), "nan");
  EXPECT_EQ(format_double(1e17), "100000000000000000");
  EXPECT_EQ(format_double(0x1p62), "4611686018427387904");
  EXPECT_EQ(format_double(-0x1p62), "-4611686018427387904");
  EXPECT_EQ(format_double(1e20), "1e+20");
  EXPECT_EQ(format_double(1e21), "1e+21");
  EXPECT_EQ(format_double(1.5e300), "1.5e+300");
  EXPECT_EQ(format_double(0.00001), "0.00001");
  EXPECT_EQ(format_double(1e-6), "0.000001");
  EXPECT_EQ(format_double(1e-7), "1e-7");
  EXPECT_EQ(format_double(1.5e-7), "1.5e-7");
  EXPECT_EQ(format_double(-2.5), "-2.5");
  EXPECT_EQ(format_double(3.141592653589793), "3.141592653589793");
  EXPECT_EQ(format_double(123456.789), "123456.789");
  EXPECT_EQ(format_double(-1.7976931348623157e308), "-1.7976931348623157e+308");
  EXPECT_EQ(format_double(4.9406564584124654e-324), "5e-324");
  EXPECT_EQ(format_double(9.3e18), "9.3e+18");
}

TEST(FormatDouble, ReadsBackAsTheSameBits) {
  Random random(7);
  for (int i = 0; i < 5000; ++i) {
    auto const value = std::bit_cast<double>(random.next());
    if (!std::isfinite(value)) continue;
    std::string const text = format_double(value);
    ASSERT_LE(text.size(), kDoubleTextBytesMax);
    EXPECT_EQ(parse_double(text), value) << text;
  }
}

TEST(FormatDouble, ShortestHasNoIntegerShortcut) {
  char buffer[kDoubleTextBytesMax];
  EXPECT_EQ(std::string_view(buffer, format_double_shortest(buffer, 3)), "3");
  EXPECT_EQ(std::string_view(buffer, format_double_shortest(buffer, 1e17)), "1e+17");
}

TEST(LongDouble, SumsAsTheReferenceServer) {
  auto const sum = [](std::string_view a, std::string_view b) {
    return format_long_double_human(*parse_long_double(a) + *parse_long_double(b));
  };
  EXPECT_EQ(sum("0.1", "0.2"), "0.3");
  EXPECT_EQ(sum("10.50", "0.1"), "10.6");
  EXPECT_EQ(sum("5.0e3", "2.0e2"), "5200");
  EXPECT_EQ(sum("0", "1e-20"), "0");
  EXPECT_EQ(sum("0", "-1e-20"), "0");
  EXPECT_EQ(sum("0", "1e-17"), "0.00000000000000001");
  EXPECT_EQ(sum("0", "1.23456789012345678901"), "1.23456789012345679");
  EXPECT_EQ(sum("0", "1e22"), "10000000000000000000000");
  EXPECT_EQ(sum("0x1p3", "1"), "9");
  EXPECT_EQ(sum("0", "1e300").size(), 301u);
  EXPECT_EQ(sum("0", "1e4932").size(), 4933u);
  EXPECT_EQ(format_long_double_human(13.361389338970184), "13.36138933897018433");
  EXPECT_EQ(format_long_double_human(-HUGE_VALL), "-inf");
}

TEST(LongDouble, Refusals) {
  for (std::string_view const bad : {"", " 1", "1 ", "nan", "1e5000", "1e-4960", "abc"}) {
    EXPECT_EQ(parse_long_double(bad), std::nullopt) << bad;
  }
  EXPECT_EQ(parse_long_double(std::string(5119, '0')), 0.0L);
  EXPECT_EQ(parse_long_double(std::string(5120, '0')), std::nullopt);
  EXPECT_EQ(parse_long_double("1e-4940"), 1e-4940L);
}

TEST(Memory, Parse) {
  EXPECT_EQ(parse_memory("100"), 100u);
  EXPECT_EQ(parse_memory("7b"), 7u);
  EXPECT_EQ(parse_memory("1k"), 1000u);
  EXPECT_EQ(parse_memory("1KB"), 1024u);
  EXPECT_EQ(parse_memory("2m"), 2000000u);
  EXPECT_EQ(parse_memory("100mb"), 104857600u);
  EXPECT_EQ(parse_memory("1G"), 1000000000u);
  EXPECT_EQ(parse_memory("1gB"), 1073741824u);
  EXPECT_EQ(parse_memory("01"), 1u);
  EXPECT_EQ(parse_memory(""), 0u);
  EXPECT_EQ(parse_memory("18446744073709551615"), UINT64_MAX);
  for (std::string_view const bad :
       {"-1", "+1", "1t", "1 mb", "1mbb", "1.5gb", "18446744073709551616", "99999999999gb"}) {
    EXPECT_EQ(parse_memory(bad), std::nullopt) << bad;
  }
}

TEST(Memory, Format) {
  EXPECT_EQ(format_memory_human(0), "0B");
  EXPECT_EQ(format_memory_human(1023), "1023B");
  EXPECT_EQ(format_memory_human(1024), "1.00K");
  EXPECT_EQ(format_memory_human(1101005), "1.05M");
  EXPECT_EQ(format_memory_human(uint64_t{3} << 30), "3.00G");
  EXPECT_EQ(format_memory_human(uint64_t{5} << 40), "5.00T");
  EXPECT_EQ(format_memory_human(UINT64_MAX), "16384.00P");
  EXPECT_EQ(format_memory_config(0), "0");
  EXPECT_EQ(format_memory_config(1000), "1000");
  EXPECT_EQ(format_memory_config(1024), "1kb");
  EXPECT_EQ(format_memory_config(104857600), "100mb");
  EXPECT_EQ(format_memory_config(uint64_t{3} << 30), "3gb");
  EXPECT_EQ(format_memory_config((uint64_t{1} << 30) + 1024), "1048577kb");
}

}  // namespace
}  // namespace holdfast
