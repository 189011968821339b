#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/json_writer.h"
#include "base/number.h"
#include "disk/real_disk.h"
#include "tools/aof_repair.h"
#include "tools/aof_report.h"
#include "tools/aof_set.h"
#include "tools/program.h"
#include "tools/text.h"

namespace holdfast::tools {
namespace {

constexpr char const* kUsage =
    "Usage: holdfast-check-aof [--fix|--truncate-to-timestamp UNIX_SECONDS] [--json] [--stats] FILE|MANIFEST|DIR\n"
    "       holdfast-check-aof --help | --version\n"
    "\n"
    "Reads all files of an append-only file of Holdfast or Redis to their ends: RDB parts, commands, sidecar indexes.\n"
    "\n"
    "  --fix                    asks, and then cuts off the unsound tail of the last file\n"
    "  --truncate-to-timestamp  cuts off the last file where it was written later than that; does not ask\n"
    "  --stats                  commands by name\n"
    "  --json                   one JSON object with all of it\n"
    "\n"
    "End the server before anything is changed. Exit code: 0 all files are sound now, 1 otherwise.\n";

constexpr int kSound = 0;
constexpr int kNotSound = 1;
/// Times beyond this are none: year 33658.
constexpr int64_t kUnixSecondsMax = 1'000'000'000'000;

struct Arguments {
  std::string target;
  bool fix = false;
  bool json = false;
  bool stats = false;
  std::optional<int64_t> until_unix_s;
  bool bad_timestamp = false;
};

std::optional<Arguments> parse(int argc, char** argv) {
  Arguments arguments;
  for (int i = 1; i < argc; ++i) {
    std::string_view const word = argv[i];
    if (word == "--fix") {
      arguments.fix = true;
    } else if (word == "--json") {
      arguments.json = true;
    } else if (word == "--stats") {
      arguments.stats = true;
    } else if (word == "--truncate-to-timestamp" && i + 1 < argc) {
      arguments.until_unix_s = parse_int64(argv[++i]);
      arguments.bad_timestamp = !arguments.until_unix_s || *arguments.until_unix_s <= 0;
    } else if (word.starts_with("--") || !arguments.target.empty() || word.empty()) {
      return std::nullopt;
    } else {
      arguments.target = word;
    }
  }
  if (arguments.target.empty() || (arguments.fix && (arguments.until_unix_s || arguments.bad_timestamp)))
    return std::nullopt;
  if (arguments.until_unix_s) arguments.until_unix_s = std::min(*arguments.until_unix_s, kUnixSecondsMax);
  return arguments;
}

/// One run on one AOF. With --json standard output is for the object alone; the rest is said on standard error.
class Run {
 public:
  explicit Run(Arguments const& arguments) : arguments_(arguments), out_(arguments.json ? stderr : stdout) {}

  int run() {
    auto const path = find_aof(disk_, arguments_.target);
    if (!path) return refuse(path.error().message);
    report_ = check_aof(disk_, *path, {.now_unix_ms = clock_.unix_ms(), .until_unix_s = arguments_.until_unix_s});
    if (!arguments_.json) say(aof_report_text(report_, arguments_.stats));
    bool const sound = arguments_.fix ? fix() : arguments_.until_unix_s ? cut_time() : report_.ok();
    if (arguments_.json) print_json(*path);
    return sound ? kSound : kNotSound;
  }

 private:
  int refuse(std::string const& message) {
    std::fprintf(stderr, "%s\n", printable(message, SIZE_MAX).c_str());
    return kNotSound;
  }

  void say(std::string const& text) {
    std::fputs(text.c_str(), out_);
    std::fflush(out_);
  }

  bool refuse_change(std::string const& why) {
    say(why + "\n");
    return false;
  }

  bool fix() {
    auto const cut = plan_fix(report_);
    if (!cut) return refuse_change(cut.error());
    if (!*cut) return true;
    say(cut_text(**cut) + "Continue? [y/N]: ");
    char answer[8];
    if (std::fgets(answer, sizeof answer, stdin) == nullptr || (answer[0] != 'y' && answer[0] != 'Y')) {
      return refuse_change("Aborting...");
    }
    return apply(**cut, "Successfully truncated AOF " + (*cut)->part->name);
  }

  bool cut_time() {
    if (!report_.ok()) return false;
    auto const cut = plan_time_cut(report_, *arguments_.until_unix_s);
    if (!cut) return refuse_change(cut.error());
    std::string const time = " to timestamp " + to_text(*arguments_.until_unix_s);
    if (!*cut) {
      say("Truncate nothing" + time + "\n");
      return true;
    }
    return apply(**cut, "Successfully truncated AOF " + (*cut)->part->name + time);
  }

  bool apply(AofCut const& cut, std::string const& done) {
    if (Status applied = apply_cut(disk_, cut, clock_.unix_ms()); !applied) {
      return refuse_change("Failed to truncate AOF: " + applied.error().message);
    }
    applied_ = cut;
    say(done + "\n");
    return true;
  }

  void print_json(std::string const& path) const {
    JsonWriter json;
    json.open_object();
    json.text("tool", "holdfast-check-aof");
    json.text("file", printable(path, SIZE_MAX));
    write_aof_report(json, report_);
    if (applied_) {
      json.open_object("truncated");
      json.text("name", applied_->part->name);
      json.number("from", applied_->part->file.size);
      json.number("to", applied_->keep_bytes);
      json.close_object();
    } else {
      json.null("truncated");
    }
    json.close_object();
    std::printf("%s\n", json.document().c_str());
  }

  Arguments const& arguments_;
  std::FILE* out_;
  RealDisk disk_;
  SystemClock clock_;
  AofReport report_;
  std::optional<AofCut> applied_;
};

int run(int argc, char** argv) {
  if (auto const code = answer_about_program("holdfast-check-aof", kUsage, argc, argv)) return *code;
  auto const arguments = parse(argc, argv);
  if (!arguments) {
    std::fputs(kUsage, stderr);
    return kNotSound;
  }
  if (arguments->bad_timestamp) {
    std::fputs("Invalid timestamp, aborting...\n", stderr);
    return kNotSound;
  }
  return Run(*arguments).run();
}

}  // namespace
}  // namespace holdfast::tools

int main(int argc, char** argv) { return holdfast::tools::run(argc, argv); }
