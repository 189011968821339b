#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/number.h"
#include "disk/real_disk.h"
#include "tools/program.h"
#include "tools/rdb_check.h"
#include "tools/rdb_report.h"
#include "tools/text.h"

namespace holdfast::tools {
namespace {

constexpr char const* kUsage =
    "Usage: holdfast-check-rdb FILE [--json] [--stats] [--top N]\n"
    "       holdfast-check-rdb --help | --version\n"
    "\n"
    "Reads an RDB file of Holdfast, Redis (up to version 12) or Valkey to its end: frame, checksum and every value.\n"
    "\n"
    "  --stats   keys, bytes and elements by type, keys by database, and the 10 biggest keys\n"
    "  --top N   the N biggest keys, by their bytes in the file (at most 10000)\n"
    "  --json    one JSON object with all of it\n"
    "\n"
    "Exit code: 0 the file is sound, 1 it is not or cannot be read, 2 wrong usage.\n";

constexpr int kSound = 0;
constexpr int kNotSound = 1;
constexpr int kWrongUsage = 2;
constexpr size_t kTopDefault = 10;

struct Arguments {
  std::string path;
  bool json = false;
  bool stats = false;
  std::optional<size_t> top;
};

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    std::string_view const word = argv[i];
    if (word == "--json") {
      arguments.json = true;
    } else if (word == "--stats") {
      arguments.stats = true;
    } else if (word == "--top" && i + 1 < argc) {
      auto const top = parse_int64(argv[++i]);
      if (!top || *top < 0 || *top > static_cast<int64_t>(kTopKeysMax)) return std::nullopt;
      arguments.top = static_cast<size_t>(*top);
    } else if (word.starts_with("--") || !arguments.path.empty() || word.empty()) {
      return std::nullopt;
    } else {
      arguments.path = word;
    }
  }
  if (arguments.path.empty()) return std::nullopt;
  return arguments;
}

int run(int argc, char** argv) {
  if (auto const code = answer_about_program("holdfast-check-rdb", kUsage, argc, argv)) return *code;
  auto const arguments = parse(argc, argv);
  if (!arguments) {
    std::fputs(kUsage, stderr);
    return kWrongUsage;
  }
  RealDisk disk;
  RdbCheckOptions const options{.now_unix_ms = SystemClock().unix_ms(),
                                .top = arguments->top.value_or(arguments->stats || arguments->json ? kTopDefault : 0)};
  RdbReport const report = check_rdb(disk, arguments->path, options);
  if (arguments->json) {
    JsonWriter json;
    json.open_object();
    json.text("tool", "holdfast-check-rdb");
    json.text("file", printable(arguments->path, arguments->path.size()));
    write_rdb_report(json, report);
    json.close_object();
    std::printf("%s\n", json.document().c_str());
  } else {
    std::fputs(rdb_report_text(printable(arguments->path, arguments->path.size()), report, arguments->stats).c_str(),
               stdout);
  }
  return report.ok() ? kSound : kNotSound;
}

}  // namespace
}  // namespace holdfast::tools

int main(int argc, char** argv) { return holdfast::tools::run(argc, argv); }
