// Loaded before the suite, which cannot send a header of the caller's choosing: it adds the
// access token to every request of `fetch`, undici and node:http that brings none of its own.
//   NODE_OPTIONS="--import ./bearer.mjs" MCP_BEARER=<access token> node ...
import http from 'node:http';
import { syncBuiltinESMExports } from 'node:module';
import { Agent, setGlobalDispatcher } from 'undici';

const value = `Bearer ${process.env.MCP_BEARER}`;
const isAuthorization = (name) => String(name).toLowerCase() === 'authorization';

/** Headers come as a flat list (name, value, name, value) or as an object. */
function signed(headers) {
  if (Array.isArray(headers)) {
    const given = headers.some((name, place) => place % 2 === 0 && isAuthorization(name));
    return given ? headers : [...headers, 'Authorization', value];
  }
  const given = Object.keys(headers ?? {}).some(isAuthorization);
  return given ? headers : { ...headers, Authorization: value };
}

setGlobalDispatcher(
  new Agent().compose(
    (dispatch) => (options, events) =>
      dispatch({ ...options, headers: signed(options.headers) }, events),
  ),
);

const { request } = http;
http.request = function signedRequest(...parameters) {
  const options = parameters.find((it) => it && typeof it === 'object' && !(it instanceof URL));
  if (options) options.headers = signed(options.headers);
  return request.apply(this, parameters);
};
syncBuiltinESMExports();
