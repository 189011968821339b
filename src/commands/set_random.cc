#include <limits>
#include <unordered_set>

#include "base/random.h"
#include "command/errors.h"
#include "command/session.h"
#include "command/worker_context.h"
#include "commands/set_reply.h"
#include "commands/sets.h"
#include "keyspace/keyspace.h"

namespace holdfast {
namespace {

/// Some member of a set that is not empty, each with the same probability.
packed::Element draw(SetReader const& set, Random& random) {
  if (!set.members()) return set.nth(random.below(set.size()));
  return {false, 0, set.members()->random([&] { return random.next(); })->field};
}

/// Says of each element of a walk whether it is taken, so that each choice of `count` out of `size` is equally likely
/// (Knuth, 3.4.2 S).
class Selection {
 public:
  Selection(uint64_t size, uint64_t count) : size_(size), left_(count) {}
  bool take(Random& random) {
    if (left_ == 0 || random.below(size_--) >= left_) return false;
    left_--;
    return true;
  }
  uint64_t left() const { return left_; }

 private:
  uint64_t size_;  // elements that the walk has not come to
  uint64_t left_;  // to take
};

/// Different members of a set, less than it has.
class Choice {
 public:
  Choice(SetReader const& set, uint64_t count, uint64_t seed)
      : set_(set),
        cursor_(set),
        selection_(set.size(), count),
        count_(count),
        drawing_(set.members() && count <= set.size() / 3),
        random_(seed) {}

  /// Looks at up to `members_max` more members and calls `visit(packed::Element const&)` for those that were chosen.
  /// False: that was all.
  template <class Visit>
  bool step(size_t members_max, Visit&& visit) {
    return drawing_ ? draw_some(members_max, visit) : walk(members_max, visit);
  }

 private:
  /// Members that were drawn before are drawn again. They are told by where they lie.
  template <class Visit>
  bool draw_some(size_t members_max, Visit&& visit) {
    for (size_t i = 0; i < members_max && drawn_.size() < count_; i++) {
      packed::Element const member = draw(set_, random_);
      if (drawn_.insert(member.text.data()).second) visit(member);
    }
    return drawn_.size() < count_;
  }
  template <class Visit>
  bool walk(size_t members_max, Visit&& visit) {
    for (size_t i = 0; i < members_max && selection_.left() > 0; i++) {
      packed::Element const member = *cursor_.next();
      if (selection_.take(random_)) visit(member);
    }
    return selection_.left() > 0;
  }

  SetReader set_;
  SetCursor cursor_;
  Selection selection_;
  uint64_t count_;
  bool drawing_;
  Random random_;
  std::unordered_set<char const*> drawn_;
};

// ---- SPOP ------------------------------------------------------------

/// Logs members that are popped as removed by their names.
class RemovalLog {
 public:
  RemovalLog(Txn& txn, std::string_view key) : txn_(txn), key_(key) {}

  void add(packed::Element const& member) {
    packed::TextScratch scratch;
    texts_.append(member.as_text(scratch));
    ends_.push_back(texts_.size());
    if (ends_.size() == kBatch) flush();
  }
  void flush() {
    if (ends_.empty()) return;
    std::vector<std::string_view> command = {"SREM", key_};
    size_t begin = 0;
    for (size_t const end : ends_) {
      command.push_back(std::string_view(texts_).substr(begin, end - begin));
      begin = end;
    }
    txn_.effect(command);
    texts_.clear();
    ends_.clear();
  }

 private:
  static constexpr size_t kBatch = 1024;  // members of one command
  Txn& txn_;
  std::string_view key_;
  std::string texts_;
  std::vector<size_t> ends_;
};

/// Many popped members, of a set as it was before.
class PoppedMembers final : public ReplySource {
 public:
  explicit PoppedMembers(DetachedValue value) : value_(std::move(value)) {}
  SetReader before() const { return SetReader(value_.view()); }
  MemberList& list() { return list_; }
  bool write(Reply& reply, size_t elements_max) override { return list_.write(reply, elements_max); }

 private:
  DetachedValue value_;
  MemberList list_;
};

void pop_one(Txn& txn, std::string_view key, Record* record, Random& random, Reply& reply) {
  ValueEdit edit = txn.edit(key, record, ValueType::kSet);
  SetEditor editor(edit, txn.keyspace().value_context());
  packed::Element const member = draw(SetReader(record->view()), random);
  packed::TextScratch scratch;
  std::string_view const text = member.as_text(scratch);
  reply.bulk(text);
  txn.effect({"SREM", key, text});
  editor.erase(text);
  txn.finish_edit(key, edit, editor.empty(), 1, "spop");
}

/// Pops 1 <= count < size members.
void pop_some(Txn& txn, std::string_view key, Record* record, uint64_t count, Random& random, Reply& reply) {
  // The rest of a long reply is written when the members are gone.
  std::unique_ptr<PoppedMembers> rest;
  if (count > kSetMembersUnderLockMax) rest = std::make_unique<PoppedMembers>(txn.copy_value(record));
  reply.set(count);
  RemovalLog log(txn, key);
  ValueEdit edit = txn.edit(key, record, ValueType::kSet);
  SetEditor editor(edit, txn.keyspace().value_context());
  auto const popped = [&](packed::Element const& member) {
    rest ? rest->list().add(member) : reply_member(reply, member);
    log.add(member);
  };
  SetReader const before = rest ? rest->before() : SetReader(record->view());
  if (!edit.in_body()) {
    Selection selection(before.size(), count);
    editor.remove_if(before, [&](packed::Element const& member) {
      if (!selection.take(random)) return false;
      popped(member);
      return true;
    });
  } else if (rest) {
    Choice choice(before, count, random.next());
    auto const pop = [&](packed::Element const& member) {
      popped(member);
      editor.erase(member.text);
    };
    while (choice.step(SIZE_MAX, pop)) continue;
  } else {
    for (uint64_t i = 0; i < count; i++) {
      packed::Element const member = draw(before, random);
      popped(member);
      editor.erase(member.text);
    }
  }
  log.flush();
  txn.finish_edit(key, edit, false, count, "spop");
  if (rest) reply.follow(std::move(rest));
}

void cmd_spop(Txn& txn, Session& session, Args args, Reply& reply) {
  Random& random = session.worker().random;
  if (args.size() > 3) return reply.error(errors::kSyntax);
  std::optional<int64_t> count;
  if (args.size() == 3) {
    constexpr std::string_view kNotPositive = "value is out of range, must be positive";
    count = args.integer(2, reply, kNotPositive);
    if (!count) return;
    if (*count < 0) return reply.error(kNotPositive);
  }
  std::optional<Record*> record = find_set(txn, args[1], Lookup::kWrite, reply);
  if (!record) return;
  if (!*record) return count ? reply.set(0) : reply.null();
  if (!count) return pop_one(txn, args[1], *record, random, reply);
  if (*count == 0) return reply.set(0);
  if (static_cast<uint64_t>(*count) < SetReader((*record)->view()).size()) {
    return pop_some(txn, args[1], *record, static_cast<uint64_t>(*count), random, reply);
  }
  reply_members(txn, *record, MembersShape::kSet, reply);
  txn.notify(config::kEventSet, "spop", args[1]);
  txn.drop(args[1]);
  txn.effect({"DEL", args[1]});
}

// ---- SRANDMEMBER ------------------------------------------------------------

/// Draws members, the same one again and again if it happens.
class Draws final : public ReplySource {
 public:
  Draws(DetachedValue value, uint64_t count, uint64_t seed)
      : value_(std::move(value)), set_(value_.view()), left_(count), random_(seed) {}
  bool write(Reply& reply, size_t elements_max) override {
    for (size_t i = 0; i < elements_max && left_ > 0; i++, left_--) reply_member(reply, draw(set_, random_));
    return left_ > 0;
  }

 private:
  DetachedValue value_;
  SetReader set_;
  uint64_t left_;
  Random random_;
};

/// Draws different members.
class DifferentDraws final : public ReplySource {
 public:
  DifferentDraws(DetachedValue value, uint64_t count, uint64_t seed)
      : value_(std::move(value)), choice_(SetReader(value_.view()), count, seed) {}
  bool write(Reply& reply, size_t elements_max) override {
    return choice_.step(elements_max, [&](packed::Element const& member) { reply_member(reply, member); });
  }

 private:
  DetachedValue value_;
  Choice choice_;
};

void random_members(Txn& txn, Random& random, Record const* record, int64_t wanted, Reply& reply) {
  bool const different = wanted > 0;
  uint64_t const count = different ? static_cast<uint64_t>(wanted) : 0 - static_cast<uint64_t>(wanted);
  if (different && count >= SetReader(record->view()).size()) {
    return reply_members(txn, record, MembersShape::kArray, reply);
  }
  reply.array(count);
  if (count == 0) return;
  std::unique_ptr<ReplySource> source;
  if (different) {
    source = std::make_unique<DifferentDraws>(txn.copy_value(record), count, random.next());
  } else {
    source = std::make_unique<Draws>(txn.copy_value(record), count, random.next());
  }
  if (count > kSetMembersUnderLockMax) return reply.follow(std::move(source));
  while (source->write(reply, kSetMembersUnderLockMax)) continue;
}

void cmd_srandmember(Txn& txn, Session& session, Args args, Reply& reply) {
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  if (args.size() > 3) return reply.error(errors::kSyntax);
  std::optional<int64_t> count;
  if (args.size() == 3) {
    count = args.integer(2, reply);
    if (!count) return;
    if (*count < -kMax) return reply.errorf("value is out of range, value must between %ld and %ld", -kMax, kMax);
  }
  std::optional<Record*> record = find_set(txn, args[1], Lookup::kRead, reply);
  if (!record) return;
  if (!*record) return count ? reply.array(0) : reply.null();
  Random& random = session.worker().random;
  if (count) return random_members(txn, random, *record, *count, reply);
  reply_member(reply, draw(SetReader((*record)->view()), random));
}

constexpr CommandRow kSetRandomRows[] = {
    {.name = "spop", .arity = -2, .flags = "write fast", .keys = "RW access delete i1 r(0,1,0)", .categories = "set",
     .tips = "nondeterministic_output", .group = "set", .since = "1.0.0", .complexity = "O(N) for N popped members",
     .summary = "Removes random members of a set and answers them.", .syntax = "key:key [count:integer@3.2.0]",
     .handler = &cmd_spop, .history = "3.2.0: Added the `count` argument."},
    {.name = "srandmember", .arity = -2, .flags = "readonly", .keys = "RO access i1 r(0,1,0)", .categories = "set",
     .tips = "nondeterministic_output", .group = "set", .since = "1.0.0", .complexity = "O(N) for N members",
     .summary = "Answers random members of a set.", .syntax = "key:key [count:integer@2.6.0]",
     .handler = &cmd_srandmember, .history = "2.6.0: Added the optional `count` argument."},
};

}  // namespace

CommandRows set_random_commands() { return kSetRandomRows; }

}  // namespace holdfast
