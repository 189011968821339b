#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/latency_monitor.h"
#include "config/config.h"

namespace holdfast {

/// LATENCY GRAPH: the samples of an event as columns of letters, 80 a block, with their ages below.
/// Precondition: the event has samples.
std::string latency_graph(LatencyMonitor::Event const& event, int64_t now_s);

/// LATENCY DOCTOR: what was late, and what to do about it.
std::string latency_doctor(std::span<LatencyMonitor::Event const> events, config::Config const& config, int64_t now_s);

}  // namespace holdfast
