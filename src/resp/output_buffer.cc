#include "resp/output_buffer.h"

#include <algorithm>
#include <cstdlib>
#include <new>
#include <utility>

namespace holdfast {

struct OutputBuffer::Block {
  Block* next = nullptr;
  SharedBufferRef shared;
  /// Unsent bytes of `shared`; they go before the own bytes.
  char const* shared_begin = nullptr;
  char const* shared_end = nullptr;
  /// Unsent own bytes; valid in closed blocks.
  char* begin = nullptr;
  char* end = nullptr;
  size_t capacity;

  explicit Block(size_t own_capacity) : capacity(own_capacity) {}
  char* data() { return reinterpret_cast<char*>(this + 1); }
  size_t shared_bytes() const { return static_cast<size_t>(shared_end - shared_begin); }
};

void OutputBuffer::close_tail() {
  if (!tail_) return;
  tail_->begin = begin_;
  tail_->end = write_;
  closed_bytes_ += static_cast<size_t>(write_ - begin_);
  begin_ = write_ = limit_ = nullptr;
}

void OutputBuffer::add_block(size_t own_bytes) {
  close_tail();
  void* memory = std::malloc(sizeof(Block) + own_bytes);
  if (!memory) throw std::bad_alloc();
  Block* block = new (memory) Block(own_bytes);
  (tail_ ? tail_->next : head_) = block;
  tail_ = block;
  begin_ = write_ = block->data();
  limit_ = begin_ + own_bytes;
  footprint_ += sizeof(Block) + own_bytes;
  blocks_++;
}

char* OutputBuffer::grow(size_t bytes) {
  size_t usual = (tail_ ? kBlockBytes : kFirstBlockBytes) - sizeof(Block);
  add_block(std::max(bytes, usual));
  return write_;
}

void OutputBuffer::append_split(std::string_view bytes) {
  while (!bytes.empty()) {
    if (write_ == limit_) {
      bool fits_first = !tail_ && bytes.size() <= kFirstBlockBytes - sizeof(Block);
      add_block((fits_first ? kFirstBlockBytes : kBlockBytes) - sizeof(Block));
    }
    size_t piece = std::min(bytes.size(), static_cast<size_t>(limit_ - write_));
    std::memcpy(write_, bytes.data(), piece);
    write_ += piece;
    bytes.remove_prefix(piece);
  }
}

void OutputBuffer::append_shared(SharedBufferRef const& buffer) {
  if (buffer->size() < kReferenceBytesMin) {
    append(buffer->view());
    return;
  }
  add_block(kFirstBlockBytes - sizeof(Block));
  tail_->shared = buffer;
  tail_->shared_begin = buffer->data();
  tail_->shared_end = buffer->data() + buffer->size();
  closed_bytes_ += buffer->size();
}

void OutputBuffer::append_all(OutputBuffer& other) {
  CHECK(holes_.empty() && other.holes_.empty());
  if (!other.head_) return;
  close_tail();
  (tail_ ? tail_->next : head_) = other.head_;
  tail_ = other.tail_;
  begin_ = std::exchange(other.begin_, nullptr);
  write_ = std::exchange(other.write_, nullptr);
  limit_ = std::exchange(other.limit_, nullptr);
  other.head_ = other.tail_ = nullptr;
  closed_bytes_ += std::exchange(other.closed_bytes_, 0);
  footprint_ += std::exchange(other.footprint_, 0);
  blocks_ += std::exchange(other.blocks_, 0);
}

size_t OutputBuffer::open_hole() {
  char* at = reserve(kHoleBytes);
  commit(kHoleBytes);
  holes_.push_back({tail_, at});
  return holes_.size() - 1;
}

void OutputBuffer::close_hole(size_t mark, std::string_view bytes) {
  CHECK(mark + 1 == holes_.size() && bytes.size() <= kHoleBytes);
  Hole hole = holes_.back();
  holes_.pop_back();
  size_t gap = kHoleBytes - bytes.size();
  char const* rest = hole.at + kHoleBytes;
  char*& end = hole.block == tail_ ? write_ : hole.block->end;
  std::memcpy(hole.at, bytes.data(), bytes.size());
  std::memmove(hole.at + bytes.size(), rest, static_cast<size_t>(end - rest));
  end -= gap;
  if (hole.block != tail_) closed_bytes_ -= gap;
}

int OutputBuffer::fill_iovec(iovec* out, int max) const {
  int count = 0;
  auto offer = [&](char const* from, char const* to) {
    if (from != to) out[count++] = {const_cast<char*>(from), static_cast<size_t>(to - from)};
  };
  Block* stop = holes_.empty() ? nullptr : holes_.front().block;
  for (Block* block = head_; block && count < max; block = block->next) {
    offer(block->shared_begin, block->shared_end);
    if (count == max) break;
    char const* from = block == tail_ ? begin_ : block->begin;
    if (block == stop) {
      offer(from, holes_.front().at);
      break;
    }
    offer(from, block == tail_ ? write_ : block->end);
  }
  return count;
}

void OutputBuffer::drop_head() {
  Block* block = head_;
  head_ = block->next;
  if (block == tail_) {
    tail_ = nullptr;
    begin_ = write_ = limit_ = nullptr;
  }
  footprint_ -= sizeof(Block) + block->capacity;
  blocks_--;
  block->~Block();
  std::free(block);
}

void OutputBuffer::consume(size_t bytes) {
  DCHECK(bytes <= size());
  while (head_) {
    Block* block = head_;
    size_t piece = std::min(bytes, block->shared_bytes());
    block->shared_begin += piece;
    closed_bytes_ -= piece;
    bytes -= piece;
    if (block->shared_bytes() > 0) break;
    block->shared = {};

    bool open = block == tail_;
    char*& begin = open ? begin_ : block->begin;
    char const* end = open ? write_ : block->end;
    piece = std::min(bytes, static_cast<size_t>(end - begin));
    begin += piece;
    if (!open) closed_bytes_ -= piece;
    bytes -= piece;
    if (begin != end) break;
    drop_head();
  }
  CHECK(bytes == 0);
}

void OutputBuffer::clear() {
  while (head_) drop_head();
  closed_bytes_ = 0;
  std::vector<Hole>().swap(holes_);
}

std::string OutputBuffer::to_string() const {
  CHECK(holes_.empty());
  std::string text;
  text.reserve(size());
  for (Block* block = head_; block; block = block->next) {
    text.append(block->shared_begin, block->shared_end);
    bool open = block == tail_;
    text.append(open ? begin_ : block->begin, open ? write_ : block->end);
  }
  return text;
}

}  // namespace holdfast
