-- What the Lua process does with messages: evaluates the data of those whose Action is Eval and
-- that come from the owner; hands others to the handler for their action; and answers in JSON:
--
--   {"ok": true, "response": {"Output": {"data", "prompt", "print"}, "Messages": [...],
--    "Spawns": [...], "Assignments": []}}
--
-- with "Error" in place of "Output" when something went wrong; nothing is sent then.
-- Globals for what is evaluated: Owner, Name, Inbox (how many messages nobody handled), Handlers
-- (action -> function), Send, Spawn, print, json, os.time.

-- ---- JSON: empty tables are lists ----

local escapes = { ['"'] = '\\"', ['\\'] = '\\\\', ['\b'] = '\\b', ['\f'] = '\\f', ['\n'] = '\\n',
    ['\r'] = '\\r', ['\t'] = '\\t' }

local function quote(text)
    return '"' .. text:gsub('[%c"\\]', function(c)
        return escapes[c] or ('\\u%04x'):format(c:byte())
    end) .. '"'
end

local function number_text(n)
    if math.type(n) == 'integer' then return ('%d'):format(n) end
    if n ~= n or n == math.huge or n == -math.huge then error('no JSON number: ' .. n) end
    return n == math.floor(n) and math.abs(n) < 2 ^ 53 and ('%d'):format(n // 1 | 0) or
        ('%.17g'):format(n)
end

local encode

local function encode_table(t, seen)
    local parts, keys = {}, {}
    if seen[t] then error('a table that contains itself') end
    seen[t] = true
    for key in pairs(t) do keys[#keys + 1] = key end
    if #keys == #t then
        for i = 1, #t do parts[i] = encode(t[i], seen) end
        seen[t] = nil
        return '[' .. table.concat(parts, ',') .. ']'
    end
    table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
    for i, key in ipairs(keys) do
        parts[i] = quote(tostring(key)) .. ':' .. encode(t[key], seen)
    end
    seen[t] = nil
    return '{' .. table.concat(parts, ',') .. '}'
end

function encode(v, seen)
    local kind = type(v)
    if kind == 'string' then return quote(v) end
    if kind == 'number' then return number_text(v) end
    if kind == 'table' then return encode_table(v, seen or {}) end
    if kind == 'boolean' or kind == 'nil' then return kind == 'nil' and 'null' or tostring(v) end
    return quote(tostring(v))
end

local letters = { b = '\b', f = '\f', n = '\n', r = '\r', t = '\t' }
local names = { ['true'] = true, ['false'] = false }

-- A string, whose first quote is at `at`; and where it ends.
local function decode_string(text, at)
    local from, parts = at + 1, {}
    while true do
        local stop = text:find('["\\]', from)
        if not stop then error('JSON: a string without an end') end
        parts[#parts + 1] = text:sub(from, stop - 1)
        if text:sub(stop, stop) == '"' then return table.concat(parts), stop + 1 end
        local c = text:sub(stop + 1, stop + 1)
        from = stop + 2
        if c == 'u' then
            local code = tonumber(text:sub(from, from + 3), 16) or error('JSON: a bad escape')
            from = from + 4
            local low = code >> 10 == 0x36 and tonumber(text:match('^\\u(%x%x%x%x)', from) or '', 16)
            if low then
                code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff)
                from = from + 6
            end
            parts[#parts + 1] = utf8.char(code)
        else
            parts[#parts + 1] = letters[c] or c
        end
    end
end

local decode_value

-- The elements of a list or object, up to its end; `one` reads one at a place.
local function decode_all(text, at, stop, one)
    at = text:match('^[ \t\r\n]*()', at + 1)
    if text:sub(at, at) == stop then return at + 1 end
    while true do
        at = text:match('^[ \t\r\n]*()', one(at))
        local c = text:sub(at, at)
        at = text:match('^[ \t\r\n]*()', at + 1)
        if c == stop then return at end
        if c ~= ',' then error("JSON: expected ',' or '" .. stop .. "'") end
    end
end

function decode_value(text, at, depth)
    at = text:match('^[ \t\r\n]*()', at)
    if depth > 100 then error('JSON: nested too deeply') end
    local c, result = text:sub(at, at), {}
    if c == '"' then return decode_string(text, at) end
    if c == '[' then
        return result, decode_all(text, at, ']', function(from)
            local value, behind = decode_value(text, from, depth + 1)
            result[#result + 1] = value
            return behind
        end)
    elseif c == '{' then
        return result, decode_all(text, at, '}', function(from)
            local key, behind = decode_string(text, from)
            behind = text:match('^[ \t\r\n]*:()', behind) or error("JSON: expected ':'")
            result[key], behind = decode_value(text, behind, depth + 1)
            return behind
        end)
    end
    local word = text:match('^[%w.+-]+', at) or error('JSON: expected a value')
    local value = names[word]
    if value == nil and word ~= 'null' then value = tonumber(word) or error('JSON: ' .. word) end
    return value, at + #word
end

json = { encode = encode, decode = function(text) return (decode_value(text, 1, 0)) end }

-- ---- What a message can do ----

local outbox, spawned, printed, now

os = { time = function() return now end }
Inbox, Handlers = 0, {}

local function shown(v)
    return type(v) == 'table' and encode(v) or tostring(v)
end

function print(...)
    local parts = table.pack(...)
    for i = 1, parts.n do parts[i] = shown(parts[i]) end
    printed[#printed + 1] = table.concat(parts, '\t') .. '\n'
end

-- All but these becomes tags; Tags may hold more of them.
local fields = { Target = true, Data = true, Anchor = true, Tags = true }

local function outgoing(m)
    local tags, keys = {}, {}
    local function add(from, without)
        keys = {}
        for key in pairs(from) do
            if type(key) == 'string' and not without[key] then keys[#keys + 1] = key end
        end
        table.sort(keys)
        for _, key in ipairs(keys) do
            tags[#tags + 1] = { name = key, value = tostring(from[key]) }
        end
    end
    add(m, fields)
    add(m.Tags or {}, {})
    return { Target = m.Target, Data = m.Data and shown(m.Data) or '', Anchor = m.Anchor or '0',
        Tags = tags }
end

function Send(m)
    outbox[#outbox + 1] = outgoing(m)
end

function Spawn(module, m)
    m = outgoing(m or {})
    m.Tags[#m.Tags + 1] = { name = 'Module', value = tostring(module) }
    spawned[#spawned + 1] = m
end

local function tag(tags, name)
    for _, t in ipairs(tags or {}) do
        if t.name == name then return t.value end
    end
end

-- An expression, or statements; the text of its results.
local function evaluate(code)
    local f, why = load('return ' .. code, '=eval')
    if not f then f, why = load(code, '=eval') end
    if not f then error(why, 0) end
    local results = table.pack(f())
    for i = 1, results.n do results[i] = shown(results[i]) end
    return table.concat(results, '\t')
end

local function dispatch(message)
    local action = tag(message.Tags, 'Action')
    if action == 'Eval' and message.From == Owner then
        return evaluate(tostring(message.Data))
    end
    local handler = Handlers[action]
    if handler then
        local result = handler(message)
        return result == nil and '' or shown(result)
    end
    Inbox = Inbox + 1
    return 'message ' .. Inbox .. ' from ' .. tostring(message.From)
end

-- Numbers that depend on the process and the message alone.
local function seed(message)
    local n = 5381
    for _, name in ipairs { 'Block-Height', 'Owner', 'Module', 'Id' } do
        for _, c in utf8.codes(tostring(message[name]), true) do n = n * 33 + c end
    end
    math.randomseed(n)
end

local function answer(message_text, environment_text)
    local message, process = json.decode(message_text), json.decode(environment_text).Process
    outbox, spawned, printed = {}, {}, {}
    now = message.Timestamp
    if not Owner then
        Owner = tag(process.Tags, 'From-Process') or process.Owner
        Name = tag(process.Tags, 'Name')
        seed(message)
    end
    message.Tags = message.Tags or {}
    if tag(message.Tags, 'Content-Type') == 'application/json' then
        message.Data = json.decode(message.Data)
    end
    local data = dispatch(message)
    return { Output = { data = table.concat(printed) .. data, prompt = (Name or 'lua') .. '> ',
        print = true }, Messages = outbox, Spawns = spawned, Assignments = {} }
end

return function(message, environment)
    local ok, result = xpcall(answer, function(e) return shown(e) end, message, environment)
    if not ok then
        result = { Error = result, Messages = {}, Spawns = {}, Assignments = {} }
    end
    return encode { ok = true, response = result }
end
