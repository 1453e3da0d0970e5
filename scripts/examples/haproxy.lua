-- The action `lua.cierre` asks cierre, or an agent, about the bearer of a request, with the HTTP client that HAProxy 2.5 and newer has.
-- It sets `txn.cierre` to 200, 401 or 503 (unknown). After a 200 the request has the X-Auth- fields of the answer; after a 401
-- `txn.challenge` and `txn.body` are those of the answer. If this file fails, `txn.cierre` is not set.
local fields = { "x-auth-subject", "x-auth-issuer", "x-auth-session", "x-auth-scope", "x-auth-claims", "x-auth-as-of" }

local function ask(txn, url)
  local lines = {}
  for _, line in pairs(txn.http:req_get_headers()["authorization"] or {}) do
    table.insert(lines, line)
  end
  -- HAProxy repeats a request that fails up to three times. Without an answer the status is 0.
  return core.httpclient():get({
    url = url,
    headers = { ["authorization"] = lines, ["x-forwarded-for"] = { txn.f:src() } },
    timeout = 1000,
  })
end

core.register_action("cierre", { "http-req" }, function(txn, url)
  local answer = ask(txn, url)
  if answer.status == 200 then
    for _, name in ipairs(fields) do
      txn.http:req_set_header(name, answer.headers[name][0])
    end
    txn:set_var("txn.cierre", 200)
  elseif answer.status == 401 then
    txn:set_var("txn.challenge", answer.headers["www-authenticate"][0])
    txn:set_var("txn.body", answer.body)
    txn:set_var("txn.cierre", 401)
  else
    txn:set_var("txn.cierre", 503)
  end
end, 1)
