#include "values/list_ops.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "structures/ziplist.h"
#include "values/list_builder.h"
#include "values/list_value.h"
#include "values/rebuild_commands.h"

namespace holdfast {
namespace {

/// Node of a file, bytes of its packed list; longer elements are nodes of their own. What Redis's default makes.
constexpr size_t kNodeBytes = 8192;

/// The nodes of a file, gathered from the blocks of a body.
class NodeGatherer {
 public:
  NodeGatherer(BlockList const& blocks, size_t node_bytes) : at_(blocks.first()), node_bytes_(node_bytes) {}

  /// Goes over the blocks of one node and makes its bytes when `contents` is given. False: there are no more.
  bool next(bool contents) {
    if (!at_) return false;
    bytes_ = kPackedEmptyBytes;
    count_ = 0;
    node_.clear();
    plain_ = {};
    do {
      BlockView const block = at_.block();
      packed::Element const big{false, 0, block.bytes};
      size_t const bytes = block.big ? packed::entry_bytes(big) : block.bytes.size();
      if (bytes_ + bytes > node_bytes_ && count_ > 0) break;
      bytes_ += bytes;
      count_ += block.count;
      if (bytes_ > node_bytes_) {  // an element that is too long for any node
        plain_ = block.bytes;
        at_.next_block();
        return true;
      }
      if (contents) add(block, big, bytes);
    } while (at_.next_block());
    if (contents) close();
    return true;
  }

  bool plain() const { return !plain_.empty(); }
  /// The packed list, or the element of a plain node.
  std::string_view bytes() const { return plain() ? plain_ : std::string_view(node_); }

 private:
  void add(BlockView const& block, packed::Element const& big, size_t bytes) {
    if (node_.empty()) node_.resize(kPackedHeaderBytes);
    if (!block.big) {
      node_ += block.bytes;
      return;
    }
    size_t const before = node_.size();
    node_.resize(before + bytes);
    packed::write_entry(node_.data() + before, big);
  }
  void close() {
    node_ += '\xFF';
    auto const total = static_cast<uint32_t>(node_.size());
    auto const count = static_cast<uint16_t>(std::min<uint64_t>(count_, kPackedCountUnknown));
    std::memcpy(node_.data(), &total, sizeof total);
    std::memcpy(node_.data() + sizeof total, &count, sizeof count);
  }

  BlockList::Cursor at_;
  size_t node_bytes_;
  size_t bytes_ = 0;  // of the node
  uint64_t count_ = 0;
  std::string node_;
  std::string_view plain_;
};

class ListOps final : public TypeOps {
 public:
  std::string_view encoding_name(ValueView const& value) const override {
    return value.body && static_cast<ListBody const*>(value.body)->quicklist ? "quicklist" : "listpack";
  }

  uint64_t length(ValueView const& value) const override { return ListReader(value).size(); }

  RdbType rdb_type(ValueView const&) const override { return RdbType::kListQuicklist2; }

  bool write_rdb(ValueView const& value, RdbWriter& writer, PieceDone const& done) const override {
    if (!value.body) {
      writer.length(1);
      write_node(writer, kRdbNodePacked, value.bytes);
      return true;
    }
    auto const& body = *static_cast<ListBody const*>(value.body);
    size_t const node_bytes = body.quicklist ? kNodeBytes : SIZE_MAX;
    uint64_t nodes = 0;
    for (NodeGatherer counter(body.blocks, node_bytes); counter.next(false);) nodes++;
    writer.length(nodes);
    for (NodeGatherer gatherer(body.blocks, node_bytes); gatherer.next(true);) {
      write_node(writer, gatherer.plain() ? kRdbNodePlain : kRdbNodePacked, gatherer.bytes());
      if (!piece_done(writer.out(), done)) return false;
    }
    return true;
  }

  std::optional<DetachedValue> read_rdb(RdbType type, ByteReader& in, ValueContext const& context) const override {
    ListBuilder list;
    switch (type) {
      case RdbType::kList: read_elements(in, list); break;
      case RdbType::kListZiplist: read_ziplist(in, list); break;
      case RdbType::kListQuicklist:
        for (uint64_t left = in.count(); left > 0 && in.ok(); left--) read_ziplist(in, list);
        break;
      case RdbType::kListQuicklist2:
        for (uint64_t left = in.count(2); left > 0 && in.ok(); left--) read_node(in, list);
        break;
      default: in.corrupt();
    }
    if (!in.ok()) return std::nullopt;
    return list.finish(ListLimit::of(context.limits.list_max_listpack_size.load(std::memory_order_relaxed)));
  }

  bool write_commands(std::string_view key, ValueView const& value, std::string& out,
                      PieceDone const& done) const override {
    ListReader const list(value);
    packed::TextScratch scratch;
    uint64_t first = 0;
    return append_batches("RPUSH", key, list.size(), 1, out, done, [&](uint64_t batch) {
      list.for_each(first, batch, [&](packed::Element const& element, SharedBuffer*) {
        append_command_word(out, element.as_text(scratch));
      });
      first += batch;
    });
  }

  void for_digest(ValueView const& value,
                  std::function<void(std::string_view, std::string_view)> const& visit) const override {
    packed::TextScratch scratch;
    ListReader(value).for_each(0, UINT64_MAX, [&](packed::Element const& element, SharedBuffer*) {
      visit(element.as_text(scratch), {});
    });
  }

 private:
  static void write_node(RdbWriter& writer, uint64_t kind, std::string_view bytes) {
    writer.length(kind);
    writer.string(bytes);
  }

  static void read_elements(ByteReader& in, ListBuilder& list) {
    std::string scratch;
    for (uint64_t left = in.count(); left > 0; left--) {
      std::string_view const text = in.string(scratch);
      if (!in.ok()) return;
      list.append(text);
    }
  }

  static void read_ziplist(ByteReader& in, ListBuilder& list) {
    std::string scratch;
    std::string_view const bytes = in.string(scratch);
    if (!in.ok()) return;
    Result<std::string> const packed = packed_list_from_ziplist(bytes);
    if (!packed) return in.corrupt();
    add_packed(PackedListView(*packed), list);
  }

  static void read_node(ByteReader& in, ListBuilder& list) {
    std::string scratch;
    uint64_t const kind = in.length();
    std::string_view const bytes = in.string(scratch);
    if (!in.ok()) return;
    if (bytes.empty() || (kind != kRdbNodePlain && kind != kRdbNodePacked)) return in.corrupt();
    if (kind == kRdbNodePlain) {
      list.note_node();
      list.append(bytes);
      return;
    }
    if (!PackedListView::validate(bytes, true)) return in.corrupt();
    add_packed(PackedListView(bytes), list);
  }

  /// Old versions wrote nodes without elements; they are nothing.
  static void add_packed(PackedListView packed, ListBuilder& list) {
    if (packed.empty()) return;
    list.note_node();
    list.append_list(packed);
  }
};

}  // namespace

TypeOps const& list_ops() {
  static ListOps const kOps;
  return kOps;
}

}  // namespace holdfast
