#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "command/args.h"

namespace holdfast::replication {

/// What comes behind the word PING in the stream, in front of the id of a proof. Redis takes it for a ping that has a text.
inline constexpr std::string_view kProofMark = "holdfast-proof:";

/// What a replica says of itself in a proof, to its primary, and that one to its own:
///
///   REPLCONF ACK <offset> PROOF <id> FROM <path> STATE <state> REPLICAS <names> DIGESTS <digests>
///
/// Who does not know these words, as Redis, takes it for an acknowledgement.
struct ProofReport {
  /// The states.
  static constexpr std::string_view kDone = "done";                    ///< `digests` are those at the mark
  static constexpr std::string_view kBusy = "busy";                    ///< with another snapshot
  static constexpr std::string_view kFailed = "failed";
  static constexpr std::string_view kUnsupported = "unsupported";      ///< no Holdfast, or an old one
  static constexpr std::string_view kSynchronizing = "synchronizing";  ///< it is being sent all data

  std::string id;
  std::string from;  ///< names on the way to a replica of the sender, with blanks between; empty: the sender itself
  std::string state;
  std::string replicas;  ///< names of its replicas, with blanks between
  std::string digests;   ///< encode_digests

  /// nullopt: there is none in these arguments of REPLCONF ACK.
  static std::optional<ProofReport> parse(Args args);
  void append_to(std::string& out, std::string_view applied_offset) const;
};

/// The part behind `kProofMark` of a PING, or empty.
std::string_view proof_id(Args args);
/// The PING of a proof.
std::string proof_mark(std::string_view id);

}  // namespace holdfast::replication
