#include "replication/proof_report.h"

#include "log/effect_buffer.h"

namespace holdfast::replication {

std::optional<ProofReport> ProofReport::parse(Args args) {
  constexpr size_t kFirst = 3;  // behind REPLCONF ACK offset
  constexpr size_t kWords = 10;
  if (args.size() != kFirst + kWords) return std::nullopt;
  constexpr std::string_view kNames[] = {"PROOF", "FROM", "STATE", "REPLICAS", "DIGESTS"};
  ProofReport report;
  std::string* const values[] = {&report.id, &report.from, &report.state, &report.replicas, &report.digests};
  for (size_t i = 0; i < std::size(kNames); i++) {
    if (!args.is(kFirst + 2 * i, kNames[i])) return std::nullopt;
    *values[i] = args[kFirst + 2 * i + 1];
  }
  return report;
}

void ProofReport::append_to(std::string& out, std::string_view applied_offset) const {
  log::append_command(out, {"REPLCONF", "ACK", applied_offset, "PROOF", id, "FROM", from, "STATE", state, "REPLICAS", replicas,
                            "DIGESTS", digests});
}

std::string_view proof_id(Args args) {
  if (args.size() != 2 || !args.is(0, "PING") || !args[1].starts_with(kProofMark)) return {};
  return args[1].substr(kProofMark.size());
}

std::string proof_mark(std::string_view id) {
  std::string mark;
  log::append_command(mark, {"PING", std::string(kProofMark).append(id)});
  return mark;
}

}  // namespace holdfast::replication
