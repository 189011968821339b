#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <span>
#include <string>
#include <string_view>

#include "structures/packed_entry.h"

// A packed list is a listpack, byte for byte as in a DUMP payload, so that small collections are saved and restored by
// copying:
//
//   u32 total bytes | u16 count, FFFF = walk to know | entries | FF
//
// It lies in a buffer of the caller (a key's record, a node of a stream). Reading is a walk over a few cache lines;
// changing is one memmove. The list never allocates: an edit says how many bytes it needs, the caller finds the room,
// and apply() does it.

namespace holdfast {

inline constexpr size_t kPackedHeaderBytes = 6;
/// Bytes of a list without elements.
inline constexpr size_t kPackedEmptyBytes = 7;
/// Count field of a list of at least this many elements: the count must be found by walking.
inline constexpr uint16_t kPackedCountUnknown = 0xFFFF;

/// Reads a packed list that validate() accepted or this folder wrote. Valid until the bytes change or move.
class PackedListView {
 public:
  /// Walks over elements; `*it` points into the list for texts.
  class Iterator {
   public:
    using iterator_category = std::bidirectional_iterator_tag;
    using value_type = packed::Element;
    using difference_type = std::ptrdiff_t;
    using pointer = void;
    using reference = packed::Element;

    Iterator() = default;
    explicit Iterator(char const* at) : at_(at) {}
    packed::Element operator*() const { return packed::read_entry(at_); }
    Iterator& operator++() {
      at_ = packed::next(at_);
      return *this;
    }
    Iterator operator++(int) {
      Iterator const before = *this;
      ++*this;
      return before;
    }
    Iterator& operator--() {
      at_ = packed::previous(at_);
      return *this;
    }
    Iterator operator--(int) {
      Iterator const before = *this;
      --*this;
      return before;
    }
    bool operator==(Iterator const&) const = default;
    /// The entry itself, for the functions of packed_entry.h.
    char const* at() const { return at_; }

   private:
    char const* at_ = nullptr;
  };

  explicit PackedListView(std::string_view bytes) : bytes_(bytes) {}
  /// A list whose length is known from its header alone.
  static PackedListView at(char const* bytes) { return PackedListView({bytes, total_bytes(bytes)}); }
  /// Total from the header.
  static uint32_t total_bytes(char const* bytes) {
    uint32_t total;
    std::memcpy(&total, bytes, sizeof total);
    return total;
  }

  /// Header and terminator; with `deep` every entry and the count too. Nothing is trusted, nothing outside is read.
  /// Only a deep check makes a list of foreign bytes safe to read.
  static bool validate(std::string_view bytes, bool deep);

  std::string_view bytes() const { return bytes_; }
  /// The entries alone: neither header nor terminator.
  std::string_view entries() const { return bytes_.substr(kPackedHeaderBytes, bytes_.size() - kPackedEmptyBytes); }
  size_t size_bytes() const { return bytes_.size(); }
  bool empty() const { return bytes_.size() == kPackedEmptyBytes; }
  /// Number of elements. Walks when the header does not know (65535 and more).
  size_t count() const;

  Iterator begin() const { return Iterator(first()); }
  Iterator end() const { return Iterator(terminator()); }

  /// First entry, or the terminator.
  char const* first() const { return bytes_.data() + kPackedHeaderBytes; }
  /// Last entry. Precondition: not empty.
  char const* last() const { return packed::previous(terminator()); }
  char const* terminator() const { return bytes_.data() + bytes_.size() - 1; }
  size_t offset_of(char const* at) const { return static_cast<size_t>(at - bytes_.data()); }

  /// Entry at `index`, counted from 0, or from the tail when negative (-1 is the last). Null when out of range.
  /// Walks from the nearer end.
  char const* seek(int64_t index) const;
  /// First entry at or behind `from` (default: the first) with that text; `skip` entries are passed over after each one
  /// compared. Null when there is none.
  char const* find(packed::Needle const& needle, size_t skip = 0, char const* from = nullptr) const {
    return packed::find(from != nullptr ? from : first(), terminator(), needle, skip);
  }
  char const* find(std::string_view text, size_t skip = 0) const { return find(packed::Needle(text), skip); }

  /// Whether two of the entries 0, step, 2 * step, ... have the same text. O(n log n), allocates: for foreign lists.
  bool has_duplicates(size_t step) const;

 private:
  std::string_view bytes_;
};

/// A change of a packed list: `removed_count` entries of `removed_bytes` bytes at `offset` (of an entry or the
/// terminator) give way to the inserted elements. The elements stay with the caller until the edit is applied.
struct PackedEdit {
  size_t offset = 0;
  size_t removed_bytes = 0;
  size_t removed_count = 0;
  std::span<packed::Element const> inserted;
  size_t inserted_bytes = 0;

  /// Replaces `count` entries from `at` by `elements`; fewer than `count` entries are left: all of them.
  static PackedEdit replace(PackedListView list, char const* at, size_t count,
                            std::span<packed::Element const> elements);
  /// Inserts before `at` (an entry or the terminator).
  static PackedEdit insert(PackedListView list, char const* at, std::span<packed::Element const> elements) {
    return replace(list, at, 0, elements);
  }
  static PackedEdit append(PackedListView list, std::span<packed::Element const> elements) {
    return replace(list, list.terminator(), 0, elements);
  }
  static PackedEdit prepend(PackedListView list, std::span<packed::Element const> elements) {
    return replace(list, list.first(), 0, elements);
  }
  static PackedEdit erase(PackedListView list, char const* at, size_t count) { return replace(list, at, count, {}); }

  /// Bytes of the list afterwards. The caller refuses more than packed::kBytesMax.
  size_t bytes_after(PackedListView list) const { return list.size_bytes() - removed_bytes + inserted_bytes; }

  /// Changes the list in its place: `bytes` has room for bytes_after(), at most packed::kBytesMax. No inserted text may
  /// lie in that room. Returns the new size.
  size_t apply(char* bytes) const;
};

/// Writes the packed list of these elements, for which there is room, and returns its size.
size_t write_packed_list(char* out, std::span<packed::Element const> elements);

/// Applies an edit of a list in a string, for cold paths and tests.
void apply_edit(std::string& list, PackedEdit const& edit);

/// Makes a packed list at the end of its own string. At most packed::kBytesMax bytes.
class PackedListBuilder {
 public:
  PackedListBuilder();
  void append(packed::Element const& element);
  void append(std::string_view text) { append(packed::Element::of(text)); }
  void append_integer(int64_t value) { append(packed::Element::of_integer(value)); }
  /// Copies an entry of another list or chunk as it is.
  void append_entry(char const* at);

  size_t count() const { return count_; }
  /// Bytes of the list if it were finished now.
  size_t size_bytes() const { return bytes_.size() + 1; }
  /// The list. The builder starts again with an empty one.
  std::string finish();

 private:
  std::string bytes_;  // without the terminator
  size_t count_ = 0;
};

}  // namespace holdfast
