#include "server/cpu_list.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <iterator>
#include <string>
#include <utility>

namespace holdfast {
namespace {

/// Takes a number from the front of `text`.
bool take_number(std::string_view& text, int& number) {
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || number < 0 || number >= CPU_SETSIZE) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return true;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::vector<int> parse_cpu_list(std::string_view text) {
  std::vector<int> cpus;
  std::string compact;
  std::ranges::copy_if(text, std::back_inserter(compact), [](char c) { return c != ' '; });
  std::string_view rest = compact;
  while (!rest.empty()) {
    int first = 0, last = 0, step = 1;
    if (!take_number(rest, first)) return {};
    last = first;
    if (take(rest, '-')) {
      if (!take_number(rest, last)) return {};
      if (take(rest, ':') && (!take_number(rest, step) || step == 0)) return {};
    }
    if (last < first) std::swap(first, last);
    for (int cpu = first; cpu <= last; cpu += step) cpus.push_back(cpu);
    if (rest.empty()) break;
    if (!take(rest, ',') || rest.empty()) return {};
  }
  return cpus;
}

void run_on_cpus(std::string_view list) {
  std::vector<int> const cpus = parse_cpu_list(list);
  if (cpus.empty()) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  for (int cpu : cpus) CPU_SET(static_cast<size_t>(cpu), &set);
  sched_setaffinity(0, sizeof set, &set);
}

}  // namespace holdfast
