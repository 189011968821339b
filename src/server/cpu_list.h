#pragma once

#include <string_view>
#include <vector>

namespace holdfast {

/// The processors of a list like "0,2,3", "4-8" or "1-8:2" (every second one); empty when it is none.
std::vector<int> parse_cpu_list(std::string_view text);

/// The calling thread, and those it starts from now on, run on these processors only. An empty list changes nothing.
void run_on_cpus(std::string_view list);

}  // namespace holdfast
