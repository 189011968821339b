#include <string>

#include "commands/command_fixture.h"
#include "scripting/families.h"
#include "scripting/scripting.h"

namespace holdfast::scripting {
namespace {

class ScriptTest : public CommandTest {
 protected:
  ScriptTest() : CommandTest(all_families()) { session_->services().scripting = &scripting_; }
  ~ScriptTest() override { session_->worker().scripts.reset(); }

  Scripting scripting_{clock_, logger_};

 private:
  static std::vector<CommandRows> all_families() {
    std::vector<CommandRows> all = command_families();
    static constexpr CommandRow kContainers[] = {
        {.name = "memory", .arity = -2, .flags = "", .keys = "", .categories = ""}};
    all.push_back(kContainers);
    for (CommandRows rows : scripting::families()) all.push_back(rows);
    return all;
  }
};

TEST_F(ScriptTest, EffectsAreLoggedTogetherAtTheEnd) {
  expect_logged("EVAL \"redis.call('set',KEYS[1],1) return redis.call('incr',KEYS[1])\" 1 a",
                "MULTI | SELECT 0 | set a 1 | incr a | EXEC");
  expect_logged("EVAL \"return redis.call('get',KEYS[1])\" 1 a", "");
  expect_logged("EVAL \"return redis.call('set',KEYS[1],2)\" 1 a", "set a 2");
  expect_logged(
      "EVAL \"redis.set_repl(redis.REPL_NONE) redis.call('set',KEYS[1],3) redis.set_repl(redis.REPL_ALL) "
      "redis.call('set',KEYS[2],4)\" 2 a b",
      "set b 4");
}

TEST_F(ScriptTest, ARunThatMetAnUndeclaredKeyIsTakenBackAndRepeated) {
  expect_logged("EVAL \"redis.call('incr',KEYS[1]) for i=1,40 do redis.call('incr','u'..i) end\" 1 a",
                [] {
                  std::string text = "MULTI | SELECT 0 | incr a";
                  for (int i = 1; i <= 40; i++) text += " | incr u" + std::to_string(i);
                  return text + " | EXEC";
                }());
  expect("GET a", "\"1\"");
  expect("MGET u1 u40", "[\"1\" \"1\"]");
}

TEST_F(ScriptTest, EveryTypeIsTakenBack) {
  run("SET s x");
  run("SET n 5");
  run("SET gone x PX 100000");
  for (int i = 0; i < 600; i++) {
    std::string const number = std::to_string(i);
    run("RPUSH l element" + number);
    run("HSET h field" + number + " " + number);
    run("ZADD z " + number + " member" + number);
    run("SADD t member" + number);
    run("XADD x " + std::to_string(i + 1) + "-1 f v");
  }
  run("RPUSH small a b");
  // The list holds what the script has seen: a second run that sees anything of the first would add something else.
  expect(
      "EVAL \"local k=KEYS local seen=table.concat({redis.call('get',k[1]),redis.call('incr',k[2]),redis.call('llen',k[3]),"
      "redis.call('hlen',k[4]),redis.call('zcard',k[5]),redis.call('scard',k[6]),redis.call('xlen',k[7]),"
      "redis.call('llen',k[8]),redis.call('exists',k[9]),redis.call('exists',k[10])},',') "
      "redis.call('append',k[1],'y') redis.call('setrange',k[1],0,'z') redis.call('lpop',k[3]) redis.call('rpush',k[3],'n') "
      "redis.call('hset',k[4],'field1','changed','new','1') redis.call('zadd',k[5],999,'member1') "
      "redis.call('srem',k[6],'member1','member2') redis.call('xtrim',k[7],'MAXLEN',10) redis.call('del',k[8]) "
      "redis.call('persist',k[9]) redis.call('del',k[9]) redis.call('set',k[10],'made') redis.call('rename',k[10],k[11]) "
      "for i=1,40 do redis.call('rpush','seen'..i,seen) end return seen\" 11 s n l h z t x small gone fresh other",
      "\"x,6,600,600,600,600,600,2,1,0\"");
  expect("LRANGE seen7 0 -1", "[\"x,6,600,600,600,600,600,2,1,0\"]");
  expect("GET s", "\"zy\"");
  expect("XLEN x", ":10");
  expect("LLEN l", ":600");
  expect("EXISTS small gone fresh other", ":1");
}

TEST_F(ScriptTest, WatchersAreToldOnlyOfWhatIsCommitted) {
  run("SET w 1");
  run("WATCH w");
  // The first run changes w before it meets the undeclared keys; the second finds `stop` and leaves it alone.
  run("EVAL \"local key = redis.call('exists',KEYS[2]) if key == 0 then redis.call('set',KEYS[2],1) end "
      "for i=1,40 do redis.call('get','u'..i) end\" 2 w other");
  run("MULTI");
  run("GET w");
  expect("EXEC", "[\"1\"]");
  run("WATCH w");
  run("EVAL \"redis.call('incr',KEYS[1]) for i=1,40 do redis.call('get','v'..i) end\" 1 w");
  run("MULTI");
  run("GET w");
  expect("EXEC", "nil");
}

TEST_F(ScriptTest, CommandsOnAllKeysRunInScripts) {
  run("MSET a 1 b 2 c 3");
  expect("EVAL \"redis.call('set',KEYS[1],1) local n = #redis.call('keys','*') redis.call('flushall') return n\" 1 d", ":4");
  expect("EVAL \"return redis.call('dbsize')\" 0", ":0");
}

TEST_F(ScriptTest, ScriptsInATransactionReachUndeclaredKeys) {
  run("MULTI");
  run("EVAL \"for i=1,40 do redis.call('incr','u'..i) end return redis.call('incr','u1')\" 0");
  run("EVAL \"return #redis.call('keys','*')\" 0");
  expect("EXEC", "[:2 :40]");
}

TEST_F(ScriptTest, NothingOfAScriptStaysBehind) {
  expect("EVAL \"x=1\" 0",
         "-ERR user_script:1: Attempt to modify a readonly table script: 7caf6056913504f0508c65faf2dc3f94ff65bcfd, on "
         "@user_script:1.");
  expect("EVAL \"return pcall(rawset, redis, 'call', 1) or getmetatable(redis) == nil\" 0", ":1");
  expect("EVAL \"for _, f in ipairs({'print','dofile','loadfile','newproxy','getfenv','setfenv','os','io','debug','require',"
         "'package','module'}) do if rawget(_G, f) ~= nil then return f end end return 'none'\" 0",
         "\"none\"");
  expect("EVAL \"local f = loadstring(string.dump(function() return 1 end)) return f == nil\" 0", ":1");
}

TEST_F(ScriptTest, FlushForgetsScriptsAndTheirMemory) {
  run("EVAL \"return 1\" 0");
  expect("EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0", ":1");
  EXPECT_GT(scripting_.scripts().bytes(), 0u);
  EXPECT_GT(scripting_.script_state_bytes().load(), 0);
  run("SCRIPT FLUSH");
  EXPECT_EQ(scripting_.scripts().bytes(), 0u);
  expect("EVALSHA e0e1f9fabfc9d4800c877a703b823ac0578ff8db 0", "-NOSCRIPT No matching script. Please use EVAL.");
}

TEST_F(ScriptTest, LibrariesAreLoggedAndReplaced) {
  std::string const first = "#!lua name=lib\nredis.register_function('f', function(keys) return redis.call('incr', keys[1]) end)";
  std::string const second = "#!lua name=lib\nredis.register_function('f', function() return 'second' end)";
  EXPECT_EQ(send({"FUNCTION", "LOAD", first}), "$3\r\nlib\r\n");
  expect("FCALL f 1 k", ":1");
  EXPECT_EQ(send({"FUNCTION", "LOAD", second}), "-ERR Library 'lib' already exists\r\n");
  EXPECT_EQ(send({"FUNCTION", "LOAD", "REPLACE", second}), "$3\r\nlib\r\n");
  expect("FCALL f 0", "\"second\"");
  expect_logged("FUNCTION DELETE lib", "FUNCTION DELETE lib");
  expect("FCALL f 0", "-ERR Function not found");
  EXPECT_TRUE(scripting_.functions().load(first));
  EXPECT_EQ(scripting_.functions().sources()->size(), 1u);
  expect("FCALL f 1 k", ":2");
}

}  // namespace
}  // namespace holdfast::scripting
