#pragma once

#include "admin/info_text.h"
#include "command/session.h"

namespace holdfast {

// The sections of INFO. Each writes its title and its fields, those of Redis 7.0 in Redis's order and then ours.

void info_server(Session& session, InfoText& text);
void info_clients(Session& session, InfoText& text);
void info_memory(Session& session, InfoText& text);
void info_persistence(Session& session, InfoText& text);
void info_stats(Session& session, InfoText& text);
void info_replication(Session& session, InfoText& text);
void info_cpu(Session& session, InfoText& text);
void info_modules(Session& session, InfoText& text);
void info_commandstats(Session& session, InfoText& text);
void info_errorstats(Session& session, InfoText& text);
void info_latencystats(Session& session, InfoText& text);
void info_cluster(Session& session, InfoText& text);
void info_keyspace(Session& session, InfoText& text);

// Ours; only when they are asked for by name.

void info_workers(Session& session, InfoText& text);
void info_partitions(Session& session, InfoText& text);

}  // namespace holdfast
