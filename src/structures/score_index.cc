#include "structures/score_index.h"

namespace holdfast {

void ScoreIndex::insert(uint64_t hash, double score) {
  DCHECK(score == score);
  char* entry = directory_.open(directory_.own(hash), hash, Entries::kBytes);
  Entries::write(entry, static_cast<uint32_t>(hash >> 32), score);
}

ptrdiff_t ScoreIndex::offset_of(uint64_t hash, double score) const {
  HashChunk const* chunk = directory_.leaf(hash);
  if (!chunk) return -1;
  size_t const group = chunk->group_of(hash);
  auto const bits = static_cast<uint32_t>(hash >> 32);
  char const* end = chunk->group_end(group);
  for (char const* entry = chunk->group_begin(group); entry < end; entry += Entries::kBytes) {
    if (Entries::hash_bits(entry) == bits && Entries::score(entry) == score) return entry - chunk->data();
  }
  return -1;
}

bool ScoreIndex::erase(uint64_t hash, double score) {
  ptrdiff_t const offset = offset_of(hash, score);
  if (offset < 0) return false;
  HashChunk* chunk = directory_.own(hash);
  directory_.close(chunk, hash, chunk->data() + offset, Entries::kBytes);
  directory_.tidy(chunk, hash);
  return true;
}

bool ScoreIndex::update(uint64_t hash, double old_score, double new_score) {
  DCHECK(new_score == new_score);
  ptrdiff_t const offset = offset_of(hash, old_score);
  if (offset < 0) return false;
  Entries::write(directory_.own(hash)->data() + offset, static_cast<uint32_t>(hash >> 32), new_score);
  return true;
}

}  // namespace holdfast
