/* require.c - finding modules by name, and what `package` shows of that. */
/* SPDX-License-Identifier: MIT */
#include "worker/require.h"

#include <luajit-2.1/lauxlib.h>
#include <luajit-2.1/lualib.h>
#include <string.h>

#include "native.h"
#include "worker/cjson.h"
#include "worker/cstack.h"
#include "worker/json.h"
#include "worker/libraries.h"
#include "worker/sandbox.h"
#include "worker/vm.h"

/* Places on the stack of l_require. */
enum { AT_NAME = 1, AT_LOADED };

/* Modules in C that are no natives. */
static const struct {
    const char *name;
    void (*push)(lua_State *L);
} built_in[] = {{"json", l_json_push}, {"cjson", l_cjson_push}, {"cjson.safe", l_cjson_push_safe}};

/* -- Loading --------------------------------------------------------------------------------- */

/* Sets package.loaded[name] to the value at the top of the stack. Raw, as all here: a metatable
 * that a function gives to the table is not asked. */
static void l_set_loaded(lua_State *L)
{
    lua_pushvalue(L, AT_NAME);
    lua_insert(L, -2);
    lua_rawset(L, AT_LOADED);
}

static void l_push_loaded(lua_State *L)
{
    lua_pushvalue(L, AT_NAME);
    lua_rawget(L, AT_LOADED);
}

/* Pushes the table with the names of modules that are being loaded. It is not package.loaded, so
 * that a function finds no mark of the host there. */
static void l_push_loading(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_LOADING);
    if (lua_istable(L, -1))
        return;
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_LOADING);
}

static bool l_is_loading(lua_State *L)
{
    l_push_loading(L);
    lua_pushvalue(L, AT_NAME);
    lua_rawget(L, -2);
    bool loading = lua_toboolean(L, -1);
    lua_pop(L, 2);
    return loading;
}

static void l_mark_loading(lua_State *L, bool loading)
{
    l_push_loading(L);
    lua_pushvalue(L, AT_NAME);
    if (loading)
        lua_pushboolean(L, 1);
    else
        lua_pushnil(L);
    lua_rawset(L, -3);
    lua_pop(L, 1);
}

/* Calls the loader that lies below its `arguments` at the top of the stack. The module is what it
 * returned, or else what it put into package.loaded, or else true. */
static int l_run_loader(lua_State *L, int arguments)
{
    if (l_is_loading(L))
        return luaL_error(L, "require: module \"%s\" requires itself", lua_tostring(L, AT_NAME));
    l_cstack_check(L);
    l_mark_loading(L, true);
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_TRACEBACK);
    lua_insert(L, -arguments - 2);
    int traceback = lua_gettop(L) - arguments - 1;
    int status = lua_pcall(L, arguments, 1, traceback);
    lua_remove(L, traceback);
    l_mark_loading(L, false);
    if (status != 0)
        return lua_error(L);
    if (!lua_isnil(L, -1))
        l_set_loaded(L);
    l_push_loaded(L);
    if (!lua_isnil(L, -1))
        return 1;
    lua_pushboolean(L, 1);
    l_set_loaded(L);
    lua_pushboolean(L, 1);
    return 1;
}

/* Called with the chunk and the name that it was required by. */
static int l_load_module(lua_State *L)
{
    struct chunk *module = lua_touserdata(L, 1);

    l_libraries_open(L, module->libraries);
    if (loader_load(L, module) != 0)
        return lua_error(L);
    lua_pushvalue(L, 2);
    lua_call(L, 1, 1);
    return 1;
}

/* -- Finding --------------------------------------------------------------------------------- */

/* lib/NAME.lua, or else lib/NAME/init.lua. */
static struct chunk *l_find_module(lua_State *L, const char *name)
{
    struct code *code = vm_of(L)->code;
    struct chunk *module = loader_module(code, name);

    if (module)
        return module;
    lua_pushfstring(L, "%s.init", name);
    module = loader_module(code, lua_tostring(L, -1));
    lua_pop(L, 1);
    return module;
}

/* In Lua its own libraries are loaded before any module, which would then never be found. */
static void l_refuse_module(lua_State *L, const char *name)
{
    const struct chunk *module = l_find_module(L, name);

    if (module)
        luaL_error(L,
                   "require: %s has the name of one of Lua's own libraries, so it cannot be "
                   "required: give it another name",
                   module->chunk_name + 1);
}

static bool l_push_preload(lua_State *L)
{
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_PRELOAD);
    if (!lua_istable(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    lua_pushvalue(L, AT_NAME);
    lua_rawget(L, -2);
    lua_remove(L, -2);
    if (lua_isfunction(L, -1))
        return true;
    lua_pop(L, 1);
    return false;
}

static bool l_push_built_in(lua_State *L, const char *name)
{
    const struct native *native = native_find(name);

    if (native) {
        l_native_push(L, native);
        return true;
    }
    for (size_t i = 0; i < sizeof(built_in) / sizeof(*built_in); i++)
        if (strcmp(name, built_in[i].name) == 0) {
            built_in[i].push(L);
            return true;
        }
    return l_libraries_push(L, name);
}

static int l_raise_not_found(lua_State *L, const char *name)
{
    const char *path = luaL_gsub(L, name, ".", "/");

    return luaL_error(L,
                      "module '%s' not found: there is no native and no module of this name, "
                      "neither lib/%s.lua nor lib/%s/init.lua",
                      name, path, path);
}

int l_require(lua_State *L)
{
    size_t len;
    const char *name = luaL_checklstring(L, AT_NAME, &len);

    luaL_argcheck(L, strlen(name) == len, AT_NAME, "a module's name holds no NUL");
    lua_settop(L, AT_NAME);
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_LOADED);
    if (libraries_have(name))
        l_refuse_module(L, name);
    l_push_loaded(L);
    if (lua_toboolean(L, -1))
        return 1;
    lua_settop(L, AT_LOADED);
    if (l_push_preload(L)) {
        lua_pushvalue(L, AT_NAME);
        return l_run_loader(L, 1);
    }
    struct chunk *module = l_find_module(L, name);
    if (module) {
        lua_pushcfunction(L, l_load_module);
        lua_pushlightuserdata(L, module);
        lua_pushvalue(L, AT_NAME);
        return l_run_loader(L, 2);
    }
    if (!l_push_built_in(L, name))
        return l_raise_not_found(L, name);
    lua_pushvalue(L, -1);
    l_set_loaded(L);
    return 1;
}

/* -- package --------------------------------------------------------------------------------- */

int l_package_open(lua_State *L)
{
    static const luaL_Reg none[] = {{NULL, NULL}};

    luaL_register(L, LUA_LOADLIBNAME, none);
    lua_rawgeti(L, LUA_REGISTRYINDEX, SLOT_LOADED);
    l_libraries_list(L);
    lua_setfield(L, -2, "loaded");
    lua_newtable(L);
    lua_pushvalue(L, -1);
    lua_rawseti(L, LUA_REGISTRYINDEX, SLOT_PRELOAD);
    lua_setfield(L, -2, "preload");
    lua_pushliteral(L, "lib/?.lua;lib/?/init.lua"); /* to be read; changing it changes nothing */
    lua_setfield(L, -2, "path");
    lua_pushliteral(L, "");
    lua_setfield(L, -2, "cpath");
    lua_pushliteral(L, "/\n;\n?\n!\n-");
    lua_setfield(L, -2, "config");
    return 1;
}
