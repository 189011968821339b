#include "commands/lcs.h"

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <utility>

#include "base/check.h"
#include "base/number.h"
#include "command/errors.h"
#include "command/services.h"
#include "command/session.h"
#include "command/task.h"
#include "commands/lcs_table.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

/// Cells computed, or steps walked back, before the clock is looked at again: about 10 us.
constexpr size_t kCellsPerLook = 8192;

struct LcsOptions {
  bool length_only = false;
  bool indexes = false;
  bool match_length = false;
  int64_t match_length_min = 0;
  /// What is wrong with the options. It is said only after the values were found to be strings.
  std::string_view error;

  static LcsOptions parse(Args args);
};

LcsOptions LcsOptions::parse(Args args) {
  LcsOptions options;
  for (size_t i = 3; i < args.size(); i++) {
    if (args.is(i, "IDX")) {
      options.indexes = true;
    } else if (args.is(i, "LEN")) {
      options.length_only = true;
    } else if (args.is(i, "WITHMATCHLEN")) {
      options.match_length = true;
    } else if (args.is(i, "MINMATCHLEN") && i + 1 < args.size()) {
      std::optional<int64_t> min = parse_int64(args[++i]);
      if (!min) {
        options.error = errors::kNotInteger;
        return options;
      }
      options.match_length_min = std::max<int64_t>(*min, 0);
    } else {
      options.error = errors::kSyntax;
      return options;
    }
  }
  if (options.indexes && options.length_only) {
    options.error = "If you want both the length and indexes, please just use IDX.";
  }
  return options;
}

/// Takes both values in one transaction, then computes without any lock.
class LcsTask final : public Task {
 public:
  LcsTask(Keyspace& keyspace, Args args)
      : keyspace_(keyspace), options_(LcsOptions::parse(args)), keys_{std::string(args[1]), std::string(args[2])} {}
  ~LcsTask() override { LcsTable::discard(std::move(table_), keyspace_.lazy_free()); }

  Progress step(TaskSlice& slice) override {
    switch (stage_) {
      case Stage::kFetch:
        return fetch(slice);
      case Stage::kCompute:
        return compute(slice);
      case Stage::kWalk:
        return walk(slice);
    }
    CHECK(!"no such stage");
  }

 private:
  enum class Stage : uint8_t { kFetch, kCompute, kWalk };

  /// A value that is ours: a copy, or a reference to a long string.
  struct Value {
    std::string text;
    SharedBufferRef shared;
    bool wrong_type = false;

    void take(Record const* record);
    std::string_view view() const { return shared ? shared->view() : std::string_view(text); }
  };

  Progress fetch(TaskSlice& slice);
  /// Why the table cannot be made; empty when it can.
  std::string_view refusal() const;
  Progress compute(TaskSlice& slice);
  Progress walk(TaskSlice& slice);
  /// The matching bytes end, or rather begin, at (i, j).
  void end_run(Reply& reply, size_t i, size_t j);

  Keyspace& keyspace_;
  LcsOptions options_;
  std::array<std::string, 2> keys_;
  std::array<Value, 2> values_;
  Stage stage_ = Stage::kFetch;
  std::unique_ptr<LcsTable> table_;

  // The walk back: positions in both strings, the matching bytes that end there, and what was found so far.
  size_t i_ = 0;
  size_t j_ = 0;
  size_t run_ = 0;
  std::string result_;
  size_t unfilled_ = 0;  // bytes at the front of result_ that are still to come
  size_t matches_mark_ = 0;
  size_t matches_ = 0;
};

void LcsTask::Value::take(Record const* record) {
  if (!record) return;
  if (record->type() != ValueType::kString) {
    wrong_type = true;
  } else if (record->encoding() == Encoding::kShared) {
    record->shared()->add_ref();
    shared = SharedBufferRef::adopt(record->shared());
  } else {
    IntegerText scratch;
    text = record->text(scratch);
  }
}

Task::Progress LcsTask::fetch(TaskSlice& slice) {
  std::array<std::string_view, 2> keys = {keys_[0], keys_[1]};
  bool locked = slice.with_keys(keys, [&](Txn& txn) {
    for (size_t i = 0; i < keys.size(); i++) values_[i].take(txn.find(keys[i]));
  });
  if (!locked) return Progress::kAgain;
  if (std::string_view error = refusal(); !error.empty()) {
    slice.reply().error(error);
    return Progress::kDone;
  }
  table_ = LcsTable::make(values_[0].view(), values_[1].view());
  if (!table_) {
    slice.reply().error("Insufficient memory, failed allocating transient memory for LCS");
    return Progress::kDone;
  }
  stage_ = Stage::kCompute;
  return compute(slice);
}

std::string_view LcsTask::refusal() const {
  if (values_[0].wrong_type || values_[1].wrong_type) return "The specified keys must contain string values";
  if (!options_.error.empty()) return options_.error;
  size_t a = values_[0].view().size();
  size_t b = values_[1].view().size();
  constexpr size_t kTooLong = std::numeric_limits<uint32_t>::max() - 1;
  if (a >= kTooLong || b >= kTooLong) return "String too long for LCS";
  std::optional<uint64_t> bytes = LcsTable::bytes_for(a, b);
  if (!bytes || *bytes > keyspace_.string_bytes_max.load(std::memory_order_relaxed)) {
    return "Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len";
  }
  return {};
}

Task::Progress LcsTask::compute(TaskSlice& slice) {
  while (!table_->compute(kCellsPerLook)) {
    if (slice.expired()) return Progress::kAgain;
  }
  Reply& reply = slice.reply();
  if (options_.length_only) {
    reply.integer(table_->length());
    return Progress::kDone;
  }
  i_ = values_[0].view().size();
  j_ = values_[1].view().size();
  if (options_.indexes) {
    reply.map(2);
    reply.bulk("matches");
    matches_mark_ = reply.begin_deferred();
  } else {
    unfilled_ = table_->length();
    result_.resize(unfilled_);
  }
  stage_ = Stage::kWalk;
  return walk(slice);
}

Task::Progress LcsTask::walk(TaskSlice& slice) {
  Reply& reply = slice.reply();
  std::string_view a = values_[0].view();
  for (size_t steps = 1; i_ > 0 && j_ > 0; steps++) {
    size_t i = i_;
    size_t j = j_;
    if (table_->step_back(i_, j_) == LcsTable::Step::kMatch) {
      if (!options_.indexes) result_[--unfilled_] = a[i_];
      run_++;
    } else {
      end_run(reply, i, j);
    }
    if (steps % kCellsPerLook == 0 && slice.expired()) return Progress::kAgain;
  }
  end_run(reply, i_, j_);
  if (options_.indexes) {
    reply.end_deferred_array(matches_mark_, matches_);
    reply.field("len", table_->length());
  } else {
    reply.bulk(result_);
  }
  return Progress::kDone;
}

void LcsTask::end_run(Reply& reply, size_t i, size_t j) {
  size_t length = std::exchange(run_, 0);
  if (!options_.indexes || length == 0 || static_cast<int64_t>(length) < options_.match_length_min) return;
  auto range = [&](size_t start) {
    reply.array(2);
    reply.integer(static_cast<int64_t>(start));
    reply.integer(static_cast<int64_t>(start + length - 1));
  };
  reply.array(options_.match_length ? 3 : 2);
  range(i);
  range(j);
  if (options_.match_length) reply.integer(static_cast<int64_t>(length));
  matches_++;
}

std::unique_ptr<Task> cmd_lcs(Session& session, Args args, Reply&) {
  return std::make_unique<LcsTask>(session.services().keyspace, args);
}

constexpr CommandRow kLcsRows[] = {
    {.name = "lcs", .arity = -3, .flags = "readonly", .keys = "RO access i1 r(1,1,0)", .categories = "string",
     .tips = "",
     .group = "string", .since = "7.0.0", .complexity = "O(N*M) where N and M are the lengths of the two strings",
     .summary = "Finds the longest common subsequence of two strings.",
     .syntax = "key1:key key2:key#0 [LEN] [IDX] [MINMATCHLEN len:integer] [WITHMATCHLEN]", .handler = &cmd_lcs},
};

}  // namespace

CommandRows lcs_commands() { return kLcsRows; }

}  // namespace holdfast
