#include "admin/latency_report.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string_view>
#include <vector>

#include "base/number.h"

namespace holdfast {
namespace {

using Sample = LatencyMonitor::Sample;
using config::Directive;

constexpr size_t kGraphColumns = 80;
constexpr int64_t kGraphRows = 4;
constexpr std::string_view kTops = "_o#";
constexpr char kBelow = '|';

struct Range {
  int64_t low;
  int64_t high;
};

Range range_of(std::span<Sample const> samples) {
  auto const [low, high] = std::ranges::minmax_element(samples, {}, &Sample::ms);
  return {low->ms, high->ms};
}

std::string age_text(int64_t seconds) {
  if (seconds < 60) return to_text(seconds) + "s";
  if (seconds < 3600) return to_text(seconds / 60) + "m";
  if (seconds < 24 * 3600) return to_text(seconds / 3600) + "h";
  return to_text(seconds / (24 * 3600)) + "d";
}

/// Each column is filled up to one of kTops.size() heights of one of the rows.
void append_bars(std::span<Sample const> samples, Range range, std::string& out) {
  auto const tops = static_cast<int64_t>(kTops.size());
  int64_t const steps = kGraphRows * tops;
  int64_t const spread = std::max<int64_t>(1, range.high - range.low);
  for (int64_t row = kGraphRows - 1; row >= 0; row--) {
    for (Sample const& sample : samples) {
      int64_t const step = std::min((sample.ms - range.low) * steps / spread, steps - 1);
      int64_t const top = step - row * tops;
      out.push_back(top < 0 ? ' ' : top < tops ? kTops[static_cast<size_t>(top)] : kBelow);
    }
    out.push_back('\n');
  }
}

/// The ages, read from top to bottom.
void append_ages(std::span<Sample const> samples, int64_t now_s, std::string& out) {
  std::vector<std::string> ages;
  size_t longest = 0;
  for (Sample const& sample : samples) {
    ages.push_back(age_text(std::max<int64_t>(0, now_s - sample.unix_s)));
    longest = std::max(longest, ages.back().size());
  }
  out.append(samples.size(), ' ').push_back('\n');
  for (size_t line = 0; line < longest; line++) {
    for (std::string const& age : ages) out.push_back(line < age.size() ? age[line] : ' ');
    out.push_back('\n');
  }
}

struct Summary {
  double mean_ms = 0;
  double mean_deviation_ms = 0;
  double period_s = 0;
};

Summary summary_of(LatencyMonitor::Event const& event, int64_t now_s) {
  Summary summary;
  auto const count = static_cast<double>(event.samples.size());
  for (Sample const& sample : event.samples) summary.mean_ms += static_cast<double>(sample.ms) / count;
  for (Sample const& sample : event.samples) {
    double const difference = static_cast<double>(sample.ms) - summary.mean_ms;
    summary.mean_deviation_ms += (difference < 0 ? -difference : difference) / count;
  }
  int64_t const elapsed_s = std::max<int64_t>(1, now_s - event.samples.front().unix_s);
  summary.period_s = static_cast<double>(elapsed_s) / count;
  return summary;
}

/// What helps against some events. The order is that of the answer.
struct Advice {
  std::string_view event_prefix;
  bool (*applies)(config::Config const& config);
  std::string_view text;
};

bool always(config::Config const&) { return true; }
bool slow_log_off(config::Config const& config) { return config.integer(Directive::kSlowlogLogSlowerThan) < 0; }
bool slow_log_coarse(config::Config const& config) {
  return config.integer(Directive::kSlowlogLogSlowerThan) > config.integer(Directive::kLatencyMonitorThreshold) * 1000;
}
bool syncs_always(config::Config const& config) {
  return config.choice<config::AppendFsync>(Directive::kAppendfsync) == config::AppendFsync::kAlways;
}

constexpr Advice kAdvice[] = {
    {"command", slow_log_off,
     "The slow log is off, so it cannot be told which commands were slow. Set slowlog-log-slower-than to the threshold of "
     "this monitor, in microseconds."},
    {"command", slow_log_coarse,
     "The slow log keeps only commands slower than the threshold of this monitor. Lower slowlog-log-slower-than to it, in "
     "microseconds."},
    {"command", always, "SLOWLOG GET names the commands. Those whose work grows with a collection can be given a smaller part of it."},
    {"fast-command", always,
     "Commands that do next to nothing were late: the machine had no processor for this server. Look for other processes, "
     "for a quota of its control group, and for swapping."},
    {"aof-", always,
     "The disk was late. Give the append-only log a disk of its own, or look for what else writes to this one."},
    {"aof-", syncs_always,
     "appendfsync is always, so each acknowledged write waits for the disk. With everysec at most a second of writes is at "
     "risk, and none waits."},
    {"rdb-", always, "Deleting a large file took long; some file systems do that at once."},
    {"expire-cycle", always,
     "Deleting expired keys took more than its share. Many keys expire at the same moment: spread their times."},
};

}  // namespace

std::string latency_graph(LatencyMonitor::Event const& event, int64_t now_s) {
  std::span<Sample const> samples(event.samples);
  Range const range = range_of(samples);
  std::string out = event.name + " - high " + to_text(range.high) + " ms, low " + to_text(range.low) +
                    " ms (all time high " + to_text(event.longest_ms) + " ms)\n" + std::string(kGraphColumns, '-') + "\n";
  for (size_t begin = 0; begin < samples.size(); begin += kGraphColumns) {
    if (begin > 0) out.push_back('\n');
    auto const block = samples.subspan(begin, std::min(kGraphColumns, samples.size() - begin));
    append_bars(block, range, out);
    append_ages(block, now_s, out);
  }
  return out;
}

std::string latency_doctor(std::span<LatencyMonitor::Event const> events, config::Config const& config, int64_t now_s) {
  if (events.empty()) {
    return config.integer(Directive::kLatencyMonitorThreshold) > 0
               ? "Nothing was late since the start or the last LATENCY RESET.\n"
               : "The latency monitor is off. CONFIG SET latency-monitor-threshold <milliseconds> turns it on.\n";
  }
  std::string out = "These were late:\n\n";
  int number = 1;
  for (LatencyMonitor::Event const& event : events) {
    Summary const summary = summary_of(event, now_s);
    char line[256];
    std::snprintf(line, sizeof line,
                  "%d. %s: %zu latency spikes (average %.0fms, mean deviation %.0fms, period %.2f sec). Worst all time event "
                  "%" PRId64 "ms.\n",
                  number++, event.name.c_str(), event.samples.size(), summary.mean_ms, summary.mean_deviation_ms,
                  summary.period_s, event.longest_ms);
    out += line;
  }
  out += "\nWhat helps:\n\n";
  for (Advice const& advice : kAdvice) {
    bool const concerns = std::ranges::any_of(
        events, [&](LatencyMonitor::Event const& event) { return event.name.starts_with(advice.event_prefix); });
    if (concerns && advice.applies(config)) out.append("- ").append(advice.text).append("\n");
  }
  return out;
}

}  // namespace holdfast
