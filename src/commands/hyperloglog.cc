#include "commands/hyperloglog.h"

#include <cmath>
#include <memory>
#include <string>

#include "base/number.h"
#include "command/errors.h"
#include "commands/value_reply.h"
#include "keyspace/keyspace.h"
#include "structures/hyperloglog.h"

// The bytes of a HyperLogLog are a string that clients may read and write; structures/hyperloglog.h checks them.

namespace holdfast {
namespace {

void reply_error(HllError error, Reply& reply) {
  reply.error(error == HllError::kNotHll ? "-WRONGTYPE Key is not a valid HyperLogLog string value."
                                         : "-INVALIDOBJ Corrupted HLL object detected");
}

/// The encoding of a string record; nullopt after an error reply.
std::optional<HllEncoding> encoding_of(Record const* record, Reply& reply) {
  if (!is_string_or_missing(record, reply)) return std::nullopt;
  IntegerText scratch;
  auto const encoding = hll_encoding(record->text(scratch));
  if (encoding) return *encoding;
  reply_error(encoding.error(), reply);
  return std::nullopt;
}

std::string text_of(Record const* record) {
  IntegerText scratch;
  return std::string(record->text(scratch));
}

size_t sparse_bytes_max(Txn& txn) { return txn.keyspace().limits.hll_sparse_max_bytes.load(std::memory_order_relaxed); }

/// Replaces the bytes, keeping the expiry.
void store(Txn& txn, std::string_view key, std::string_view bytes) {
  Record const* old = txn.find(key, Lookup::kPeek);
  txn.put_string(key, bytes, StringForm::kRaw, old ? old->expiry() : std::nullopt);
}

void add_to_dense(Txn& txn, Args args, Reply& reply) {
  std::span<char> const bytes = txn.open_string(args[1]);
  bool grown = false;
  for (size_t i = 2; i < args.size(); i++) grown |= hll_add_dense(bytes, args[i]);
  if (grown) {
    txn.note_change(args[1]);
    txn.notify(config::kEventString, "pfadd", args[1]);
  }
  reply.integer(grown);
}

void cmd_pfadd(Txn& txn, Args args, Reply& reply) {
  std::string_view const key = args[1];
  Record* record = txn.find(key, Lookup::kWrite);
  bool changed = record == nullptr;
  std::string bytes;
  if (record) {
    auto const encoding = encoding_of(record, reply);
    if (!encoding) return;
    if (*encoding == HllEncoding::kDense) return add_to_dense(txn, args, reply);
    bytes = text_of(record);
  } else {
    bytes = hll_empty();
    hll_drop_count(bytes);
  }
  for (size_t i = 2; i < args.size(); i++) {
    auto const grown = hll_add(bytes, args[i], sparse_bytes_max(txn));
    if (!grown) return reply_error(grown.error(), reply);
    changed |= *grown;
  }
  if (changed) {
    store(txn, key, bytes);
    txn.notify(config::kEventString, "pfadd", key);
  }
  reply.integer(changed);
}

void count_one(Txn& txn, std::string_view key, Reply& reply) {
  Record* record = txn.find(key);
  if (!record) return reply.integer(0);
  if (!encoding_of(record, reply)) return;
  IntegerText scratch;
  std::string_view const text = record->text(scratch);
  if (auto const cached = hll_cached_count(text)) return reply.integer(static_cast<int64_t>(*cached));
  auto const count = hll_count(text);
  if (!count) return reply_error(count.error(), reply);
  hll_store_count(txn.open_string(key), *count);
  txn.note_change(key);
  reply.integer(static_cast<int64_t>(*count));
}

/// Adds the keys from `first` on to the union; false after an error reply.
bool merge_keys(Txn& txn, Args args, size_t first, HllUnion& all, Reply& reply) {
  for (size_t i = first; i < args.size(); i++) {
    Record* record = txn.find(args[i]);
    if (!record) continue;
    if (!encoding_of(record, reply)) return false;
    IntegerText scratch;
    if (auto const merged = all.merge(record->text(scratch)); !merged) {
      reply_error(merged.error(), reply);
      return false;
    }
  }
  return true;
}

void cmd_pfcount(Txn& txn, Args args, Reply& reply) {
  if (args.size() == 2) return count_one(txn, args[1], reply);
  auto all = std::make_unique<HllUnion>();
  if (merge_keys(txn, args, 1, *all, reply)) reply.integer(static_cast<int64_t>(all->count()));
}

void cmd_pfmerge(Txn& txn, Args args, Reply& reply) {
  auto all = std::make_unique<HllUnion>();
  if (!merge_keys(txn, args, 1, *all, reply)) return;
  Record* target = txn.find(args[1], Lookup::kWrite);
  std::string bytes = target ? text_of(target) : hll_empty();
  if (auto const stored = all->store(bytes, sparse_bytes_max(txn)); !stored) return reply_error(stored.error(), reply);
  store(txn, args[1], bytes);
  txn.notify(config::kEventString, "pfadd", args[1]);
  reply.ok();
}

/// Makes the string dense; nullopt after an error reply.
std::optional<bool> make_dense(Txn& txn, std::string_view key, std::string& bytes, Reply& reply) {
  auto const converted = hll_make_dense(bytes);
  if (!converted) {
    reply_error(converted.error(), reply);
    return std::nullopt;
  }
  if (*converted) store(txn, key, bytes);
  return *converted;
}

void cmd_pfdebug(Txn& txn, Args args, Reply& reply) {
  std::string_view const key = args[2];
  Record* record = txn.find(key, Lookup::kWrite);
  if (!record) return reply.error("The specified key does not exist");
  auto const encoding = encoding_of(record, reply);
  if (!encoding) return;
  std::string bytes = text_of(record);
  if (args.is(1, "GETREG")) {
    if (!make_dense(txn, key, bytes, reply)) return;
    auto const registers = hll_registers(bytes);
    if (!registers) return reply_error(registers.error(), reply);
    reply.array(registers->size());
    for (uint8_t value : *registers) reply.integer(value);
  } else if (args.is(1, "DECODE")) {
    if (*encoding != HllEncoding::kSparse) return reply.error("HLL encoding is not sparse");
    reply.bulk(hll_describe_sparse(bytes));
  } else if (args.is(1, "ENCODING")) {
    reply.status(*encoding == HllEncoding::kSparse ? "sparse" : "dense");
  } else if (args.is(1, "TODENSE")) {
    if (auto const converted = make_dense(txn, key, bytes, reply)) reply.integer(*converted);
  } else {
    // Up to the first NUL, as Redis shows it.
    reply.error("Unknown PFDEBUG subcommand '" + std::string(args[1].substr(0, args[1].find('\0'))) + "'");
  }
}

/// Counts growing sets by both encodings, which must agree and be right up to five standard errors.
void cmd_pfselftest(Session&, Args, Reply& reply) {
  constexpr double kStandardError = 1.04 / 128;  // of 16384 registers
  constexpr int kElements = 10000;
  std::string sparse = hll_empty();
  std::string dense = hll_empty();
  if (!hll_make_dense(dense)) return reply.error("TESTFAILED an empty sparse HyperLogLog cannot be made dense");
  for (int i = 1; i <= kElements; i++) {
    std::string const element = "element:" + to_text(i);
    bool const grown = hll_add_dense(dense, element);
    auto const sparse_grown = hll_add(sparse, element, kHllSparseBytesMaxDefault);
    if (!sparse_grown || *sparse_grown != grown) return reply.error("TESTFAILED encodings disagree about an element");
    if (i % 1000 != 0) continue;
    auto const count = hll_count(dense);
    if (!count || hll_count(sparse) != count) return reply.error("TESTFAILED encodings disagree about a count");
    if (std::abs(static_cast<double>(*count) - i) > 5 * kStandardError * i) return reply.error("TESTFAILED Too big error");
  }
  reply.ok();
}

constexpr CommandRow kHyperloglogRows[] = {
    {.name = "pfadd", .arity = -2, .flags = "write denyoom fast", .keys = "RW insert i1 r(0,1,0)",
     .categories = "hyperloglog", .tips = "", .group = "hyperloglog", .since = "2.8.9", .complexity = "O(1) for each element",
     .summary = "Adds elements to a HyperLogLog, or creates it.", .syntax = "key:key [element:string...]",
     .handler = &cmd_pfadd},
    {.name = "pfcount", .arity = -2, .flags = "readonly may_replicate",
     .keys = "RW access i1 r(-1,1,0) \"RW because it may change the internal representation of the key, and propagate to "
             "replicas\"",
     .categories = "hyperloglog", .tips = "", .group = "hyperloglog", .since = "2.8.9",
     .complexity = "O(1) for one key whose count is known, else O(N) where N is the number of keys",
     .summary = "Estimates how many different elements were added to HyperLogLogs.", .syntax = "key:key...",
     .handler = &cmd_pfcount},
    {.name = "pfmerge", .arity = -2, .flags = "write denyoom", .keys = "RW access insert i1 r(0,1,0); RO access i2 r(-1,1,0)",
     .categories = "hyperloglog", .tips = "", .group = "hyperloglog", .since = "2.8.9",
     .complexity = "O(N) where N is the number of keys", .summary = "Merges HyperLogLogs into one.",
     .syntax = "destkey:key sourcekey:key...", .handler = &cmd_pfmerge},
    {.name = "pfdebug", .arity = 3, .flags = "write denyoom admin", .keys = "RW access i2 r(0,1,0)",
     .categories = "hyperloglog", .tips = "", .group = "hyperloglog", .since = "2.8.9", .complexity = "N/A",
     .summary = "Shows the registers and the encoding of a HyperLogLog.", .syntax = "subcommand:string key:key",
     .handler = &cmd_pfdebug},
    {.name = "pfselftest", .arity = 1, .flags = "admin", .keys = "", .categories = "hyperloglog", .tips = "",
     .group = "hyperloglog", .since = "2.8.9", .complexity = "N/A", .summary = "Tests HyperLogLog values.", .syntax = "",
     .handler = &cmd_pfselftest},
};

}  // namespace

CommandRows hyperloglog_commands() { return kHyperloglogRows; }

}  // namespace holdfast
