/**
 * Staff to drive pages with: the first administrator by the daemon's own link, others by invitation.
 */

export const PASSWORD = 'six grey hips in a row';

/**
 * Logs in as the first administrator, whom it makes, through the interface and not the pages.
 *
 * @param {{url: string, adminLink: () => string}} daemon
 * @returns {Promise<{cookie: object, invite: (role: string, name: string) => Promise<object>,
 *   send: (path: string, body?: object, headers?: object) => Promise<object>}>} cookies are for context.addCookies();
 *   invite makes an account and resolves with its cookie; send POSTs as the administrator
 */
export async function firstAdmin(daemon) {
  const me = await useLink(daemon, daemon.adminLink(), 'Dr. Zoë Klein');
  const send = async (path, body = undefined, headers = {}) => (await post(daemon, path, body, {
    ...headers, Cookie: `${me.cookie.name}=${me.cookie.value}`, 'X-CSRF-Token': me.csrfToken,
  })).reply;
  return {
    cookie: me.cookie,
    send,
    invite: async (role, name) => {
      const { invitation } = await send('/api/v1/invitations', { role });
      return (await useLink(daemon, invitation.link, name)).cookie;
    },
  };
}

async function useLink(daemon, link, name) {
  const { reply, response } = await post(daemon, '/api/v1/invitation/use', { token: link.split('#')[1], name, password: PASSWORD });
  const [cookieName, value] = response.headers.get('set-cookie').split(';')[0].split('=');
  return { cookie: { name: cookieName, value, url: daemon.url }, csrfToken: reply.csrf_token };
}

async function post(daemon, path, body, headers = {}) {
  const response = await fetch(daemon.url + path, {
    method: 'POST', headers: { ...headers, ...(body ? { 'Content-Type': 'application/json' } : {}) }, body: JSON.stringify(body),
  });
  if (!response.ok) {
    throw new Error(`POST ${path} answered ${response.status}: ${await response.text()}`);
  }
  return { reply: await response.json(), response };
}
