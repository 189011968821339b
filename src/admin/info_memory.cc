#include <unistd.h>

#include "admin/info_sections.h"
#include "admin/memory_report.h"
#include "config/config.h"
#include "keyspace/keyspace.h"
#include "memory/lazy_free.h"
#include "scripting/script_figures.h"

namespace holdfast {
namespace {

using config::Directive;

void info_scripts(scripting::ScriptFigures const& scripts, InfoText& text) {
  text.field("used_memory_lua", scripts.script_states);
  text.field("used_memory_vm_eval", scripts.script_states);
  text.field("used_memory_lua_human", format_memory_human(scripts.script_states));
  text.field("used_memory_scripts_eval", scripts.scripts);
  text.field("number_of_cached_scripts", scripts.script_count);
  text.field("number_of_functions", scripts.function_count);
  text.field("number_of_libraries", scripts.library_count);
  text.field("used_memory_vm_functions", scripts.function_states);
  text.bytes("used_memory_vm_total", scripts.script_states + scripts.function_states);
  text.field("used_memory_functions", scripts.functions);
  text.bytes("used_memory_scripts", scripts.scripts + scripts.functions);
}

void info_allocator(MemoryReport const& report, InfoText& text) {
  text.number("allocator_frag_ratio", report.allocator_fragmentation());
  text.field("allocator_frag_bytes", report.holes.holes());
  text.number("allocator_rss_ratio", report.allocator_resident());
  text.field("allocator_rss_bytes", report.holes.kept);
  text.number("rss_overhead_ratio", report.resident_overhead());
  text.field("rss_overhead_bytes", report.resident_overhead_bytes());
  text.number("mem_fragmentation_ratio", report.fragmentation());
  text.field("mem_fragmentation_bytes", report.fragmentation_bytes());
}

}  // namespace

void info_memory(Session& session, InfoText& text) {
  Services& services = session.services();
  MemoryReport const report = measure_memory(services);
  text.section("Memory");
  text.bytes("used_memory", report.used);
  text.bytes("used_memory_rss", report.resident);
  text.bytes("used_memory_peak", report.peak);
  text.number("used_memory_peak_perc", report.peak_percent(), 2, "%");
  text.field("used_memory_overhead", report.overhead());
  text.field("used_memory_startup", report.figures.startup);
  text.field("used_memory_dataset", report.figures.keys);
  text.number("used_memory_dataset_perc", report.dataset_percent(), 2, "%");
  text.field("allocator_allocated", report.used);
  text.field("allocator_active", report.active());
  text.field("allocator_resident", report.retained());
  text.bytes("total_system_memory",
             static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) * static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
  info_scripts(scripting::script_figures(services), text);
  text.bytes("maxmemory", services.config.memory(Directive::kMaxmemory));
  text.field("maxmemory_policy", services.config.text(Directive::kMaxmemoryPolicy));
  info_allocator(report, text);
  text.field("mem_not_counted_for_evict", report.figures.log_buffer);
  text.zero({"mem_replication_backlog", "mem_total_replication_buffers", "mem_clients_slaves"});
  text.field("mem_clients_normal", report.figures.clients);
  text.zero({"mem_cluster_links"});
  text.field("mem_aof_buffer", report.figures.log_buffer);
  text.field("mem_allocator", "holdfast-slab, mimalloc");
  text.field("active_defrag_running", services.keyspace.defragmentation().effort());
  text.field("lazyfree_pending_objects", services.keyspace.lazy_free().pending());
  text.field("lazyfreed_objects", services.keyspace.lazy_free().freed());
}

}  // namespace holdfast
