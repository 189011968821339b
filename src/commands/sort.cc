#include "commands/sort.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command/access.h"
#include "command/errors.h"
#include "command/session.h"
#include "commands/collation.h"
#include "commands/list_reply.h"
#include "commands/sort_pattern.h"
#include "commands/sort_vector.h"
#include "config/config.h"
#include "keyspace/keyspace.h"
#include "values/list_builder.h"
#include "values/list_value.h"
#include "values/type_ops.h"

namespace holdfast {
namespace {

/// Of more elements a copy is put in order, while others use the partition.
constexpr uint64_t kElementsAtOnce = 1024;

struct SortOptions {
  bool descending = false;
  bool alpha = false;
  int64_t first = 0;
  int64_t count = -1;
  std::optional<SortPattern> by;
  std::vector<SortPattern> get;
  std::optional<std::string_view> store;
  bool keeps_order = false;  ///< one of the BYs depends on no element

  /// On failure replies why.
  static std::optional<SortOptions> parse(Session& session, Args args, bool may_store, Reply& reply);
};

/// BY and GET read keys that no argument names.
bool may_read_all_keys(Session& session, Args args, bool may_store) {
  if (session.unrestricted() || !session.user()) return true;
  Command const* const command = session.services().commands.find_full_original(may_store ? "sort" : "sort_ro");
  return allows_with_all_keys(*session.user(), *command, args, acl::kReads);
}

std::optional<SortOptions> SortOptions::parse(Session& session, Args args, bool may_store, Reply& reply) {
  auto const denied = [&](std::string_view option) {
    reply.error(std::string(option) + " option of SORT denied due to insufficient ACL permissions.");
    return std::nullopt;
  };
  SortOptions options;
  for (size_t i = 2; i < args.size(); i++) {
    size_t const left = args.size() - i - 1;
    if (args.is(i, "ASC")) {
      options.descending = false;
    } else if (args.is(i, "DESC")) {
      options.descending = true;
    } else if (args.is(i, "ALPHA")) {
      options.alpha = true;
    } else if (args.is(i, "LIMIT") && left >= 2) {
      std::optional<int64_t> const first = args.integer(i + 1, reply);
      if (!first) return std::nullopt;
      std::optional<int64_t> const count = args.integer(i + 2, reply);
      if (!count) return std::nullopt;
      options.first = *first;
      options.count = *count;
      i += 2;
    } else if (may_store && args.is(i, "STORE") && left >= 1) {
      options.store = args[++i];
    } else if (args.is(i, "BY") && left >= 1) {
      options.by.emplace(args[++i]);
      if (!options.by->names_keys()) {
        options.keeps_order = true;
      } else if (!may_read_all_keys(session, args, may_store)) {
        return denied("BY");
      }
    } else if (args.is(i, "GET") && left >= 1) {
      if (!may_read_all_keys(session, args, may_store)) return denied("GET");
      options.get.emplace_back(args[++i]);
    } else {
      reply.error(errors::kSyntax);
      return std::nullopt;
    }
  }
  return options;
}

bool can_be_sorted(ValueType type) {
  return type == ValueType::kList || type == ValueType::kSet || type == ValueType::kZset;
}

struct Range {
  size_t first;
  size_t last;  // behind the last one
};

/// What LIMIT leaves of `size` elements.
Range limited(SortOptions const& options, uint64_t size) {
  auto const length = static_cast<int64_t>(size);
  int64_t const first = std::clamp<int64_t>(options.first, 0, length);
  int64_t const count = options.count < 0 ? length : std::min(options.count, length);
  return {static_cast<size_t>(first), static_cast<size_t>(std::min(first + count, length))};
}

/// The members of a sorted set by score and member, whatever the order in which it gives them.
SortVector ranked(ValueView const& value) {
  SortVector members;
  bool all_numbers = true;
  ops_of(ValueType::kZset).for_digest(value, [&](std::string_view member, std::string_view score) {
    members.append(member);
    all_numbers = members.set_number(members.size() - 1, score) && all_numbers;
  });
  DCHECK(all_numbers);
  members.sort({}, 0, members.size());
  return members;
}

/// All elements, in the order in which the value gives them.
SortVector elements_of(ValueView const& value) {
  SortVector elements;
  ops_of(value.type).for_digest(value, [&](std::string_view element, std::string_view) { elements.append(element); });
  return elements;
}

/// Part of a list in its own order or backwards.
SortVector part_of_list(ValueView const& value, Range range, bool backwards) {
  ListReader const list(value);
  size_t const count = range.last - range.first;
  SortVector elements;
  packed::TextScratch scratch;
  list.for_each(backwards ? list.size() - range.last : range.first, count,
                [&](packed::Element const& element, SharedBuffer*) { elements.append(element.as_text(scratch)); });
  if (backwards) elements.reverse();
  return elements;
}

/// False: an element has no number to sort by.
[[nodiscard]] bool load_keys(Txn& txn, SortOptions const& options, SortVector& elements) {
  bool all_numbers = true;
  for (size_t i = 0; i < elements.size(); i++) {
    if (!options.by) {
      if (!options.alpha) all_numbers = elements.set_number(i, elements.text(i)) && all_numbers;
      continue;
    }
    std::optional<std::string> const key = options.by->find(txn, elements.text(i));
    if (options.alpha) {
      elements.set_key(i, key);
    } else if (key) {
      all_numbers = elements.set_number(i, *key) && all_numbers;
    }
  }
  return all_numbers;
}

/// What SORT answers or stores: texts, or nothing where GET found none.
class SortResult final : public ReplySource {
 public:
  SortResult(Txn& txn, SortVector elements, Range range, std::vector<SortPattern> const& get)
      : elements_(std::move(elements)), range_(range), found_per_element_(get.size()) {
    if (get.empty()) return;
    found_.reserve(size());
    for (size_t i = range_.first; i < range_.last; i++) {
      for (SortPattern const& pattern : get) found_.push_back(pattern.find(txn, elements_.text(i)));
    }
  }

  size_t size() const { return (range_.last - range_.first) * std::max<size_t>(1, found_per_element_); }
  std::optional<std::string_view> at(size_t index) const {
    if (found_per_element_ == 0) return elements_.text(range_.first + index);
    std::optional<std::string> const& text = found_[index];
    return text ? std::optional<std::string_view>(*text) : std::nullopt;
  }

  bool write(Reply& reply, size_t elements_max) override {
    size_t const end = next_ + std::min(elements_max, size() - next_);
    for (; next_ < end; next_++) {
      std::optional<std::string_view> const text = at(next_);
      text ? reply.bulk(*text) : reply.null();
    }
    return next_ < size();
  }

 private:
  SortVector elements_;
  Range range_;
  size_t found_per_element_;
  std::vector<std::optional<std::string>> found_;
  size_t next_ = 0;
};

void store(Txn& txn, std::string_view key, SortResult const& result, Reply& reply) {
  ListBuilder list;
  for (size_t i = 0; i < result.size(); i++) list.append(result.at(i).value_or(std::string_view()));
  int64_t const directive = txn.keyspace().limits.list_max_listpack_size.load(std::memory_order_relaxed);
  if (std::optional<DetachedValue> value = list.finish(ListLimit::of(directive))) {
    value->access = txn.keyspace().initial_access();
    txn.put_value(txn.db(), key, std::move(*value));
    txn.mark_dirty(result.size() - 1);
    txn.notify(config::kEventList, "sortstore", key);
  } else {
    txn.drop(key);
  }
  reply.integer(static_cast<int64_t>(result.size()));
}

/// Without sorting: as the value has them, as far as `range` wants them, of which it tells where it is then.
SortVector in_own_order(ValueView const& value, SortOptions const& options, Range& range) {
  if (value.type == ValueType::kList) {
    SortVector elements = part_of_list(value, range, options.descending);
    range = {0, elements.size()};
    return elements;
  }
  if (value.type != ValueType::kZset) return elements_of(value);
  SortVector elements = ranked(value);
  if (options.descending) elements.reverse();
  return elements;
}

void put_elements_in_order(Session& session, SortOptions const& options, Range range, SortVector& elements) {
  // What is stored must not depend on where it is replayed.
  std::optional<Collation> collation;
  if (options.alpha && !options.store) {
    collation.emplace(session.services().config.text(config::Directive::kLocaleCollate));
  }
  elements.sort({options.descending, options.alpha, collation ? &*collation : nullptr}, range.first, range.last);
}

void sort(Txn& txn, Session& session, Args args, Reply& reply, bool may_store) {
  std::optional<SortOptions> options = SortOptions::parse(session, args, may_store, reply);
  if (!options) return;
  Record* record = txn.find(args[1]);
  if (record && !can_be_sorted(record->type())) return reply.error(errors::kWrongType);

  bool keeps_order = options->keeps_order;
  if (keeps_order && options->store && record && record->type() == ValueType::kSet) {
    // Sets have no order of their own that a replay would meet again.
    keeps_order = false;
    options->alpha = true;
    options->by.reset();
  }
  SortVector elements;
  Range range{0, 0};
  bool sortable = true;
  auto const put_in_order = [&](ValueView const& value) {
    range = limited(*options, ops_of(value.type).length(value));
    if (keeps_order) {
      elements = in_own_order(value, *options, range);
      return;
    }
    elements = elements_of(value);
    sortable = load_keys(txn, *options, elements);
    if (sortable) put_elements_in_order(session, *options, range, elements);
  };
  bool const reads_keys = options->by && options->by->names_keys();
  if (record && !reads_keys && ops_of(record->type()).length(record->view()) > kElementsAtOnce) {
    DetachedValue const frozen = txn.copy_value(record);
    txn.compute([&] { put_in_order(frozen.view()); });
  } else if (record) {
    put_in_order(record->view());
  }
  if (!sortable) return reply.error("One or more scores can't be converted into double");
  auto result = std::make_unique<SortResult>(txn, std::move(elements), range, options->get);
  if (options->store) return store(txn, *options->store, *result, reply);
  reply.array(result->size());
  if (result->size() > kListReplyElementsMax) return reply.follow(std::move(result));
  result->write(reply, kListReplyElementsMax);
}

void cmd_sort(Txn& txn, Session& session, Args args, Reply& reply) { sort(txn, session, args, reply, true); }
void cmd_sort_ro(Txn& txn, Session& session, Args args, Reply& reply) { sort(txn, session, args, reply, false); }

constexpr std::string_view kComplexity =
    "O(N+M*log(M)) for N elements of which M are answered; O(N) when they are not put in order";

constexpr CommandRow kSortRows[] = {
    {.name = "sort", .arity = -2, .flags = "write denyoom movablekeys pattern_keys",
     .keys = "RO access i1 r(0,1,0); RO access unk unk \"For the optional BY/GET keyword. It is marked 'unknown' because "
             "the key names derive from the content of the key we sort\"; OW update unk opt(STORE=1,LIMIT=2,BY=1,GET=1) "
             "\"For the optional STORE keyword. It is marked 'unknown' because the keyword can appear anywhere in the "
             "argument array\"",
     .categories = "set sortedset list dangerous", .tips = "", .group = "generic", .since = "1.0.0",
     .complexity = kComplexity, .summary = "Puts the elements of a list, set or sorted set in order.",
     .syntax = "key:key [BY pattern:pattern#1] [LIMIT offset_count:block(offset:integer count:integer)] "
               "[GET pattern:pattern#1...TOKEN] [order:oneof(ASC|DESC)] [ALPHA sorting:pure-token] [STORE destination:key#2]",
     .handler = &cmd_sort},
    {.name = "sort_ro", .arity = -2, .flags = "readonly movablekeys pattern_keys",
     .keys = "RO access i1 r(0,1,0); RO access unk unk \"For the optional BY/GET keyword. It is marked 'unknown' because "
             "the key names derive from the content of the key we sort\"",
     .categories = "set sortedset list dangerous", .tips = "", .group = "generic", .since = "7.0.0",
     .complexity = kComplexity, .summary = "Puts elements in order as SORT does, without storing them.",
     .syntax = "key:key [BY pattern:pattern#1] [LIMIT offset_count:block(offset:integer count:integer)] "
               "[GET pattern:pattern#1...TOKEN] [order:oneof(ASC|DESC)] [ALPHA sorting:pure-token]",
     .handler = &cmd_sort_ro},
};

}  // namespace

CommandRows sort_commands() { return kSortRows; }

}  // namespace holdfast
