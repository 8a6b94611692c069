// An OpenID Connect provider for the tests: oidc-provider itself, with a sign-in page of one click.
import http from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';

const settings = JSON.parse(process.argv[2]);
const require = createRequire(pathToFileURL(`${settings.modules}/index.js`));
const { Provider } = await import(pathToFileURL(require.resolve('oidc-provider')));

const people = settings.people;
const provider = new Provider(settings.issuer, {
  clients: [{
    client_id: 'nts', client_secret: settings.secret, redirect_uris: settings.redirect_uris,
    post_logout_redirect_uris: settings.post_logout_redirect_uris ?? [],
    ...(settings.backchannel_logout_uri ? {
      backchannel_logout_uri: settings.backchannel_logout_uri,
      backchannel_logout_session_required: settings.backchannel_logout_session_required,
    } : {}),
    grant_types: ['authorization_code'], response_types: ['code'],
    token_endpoint_auth_method: 'client_secret_post',
  }],
  claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'groups'] },
  conformIdTokenClaims: false,
  // It posts to this machine only here: its own guard against that is taken off.
  fetch: (url, { dispatcher, ...options }) => globalThis.fetch(url, options),
  pkce: { required: () => true },
  cookies: { keys: ['for tests only'] },
  features: { devInteractions: { enabled: false }, backchannelLogout: { enabled: true } },
  interactions: { url: (ctx, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (ctx, id) => people[id] && ({ accountId: id, claims: () => ({ sub: id, ...people[id] }) }),
});

provider.on('backchannel.error', (_ctx, error) => console.log('backchannel:', String(error), String(error.cause)));

const server = http.createServer(async (request, response) => {
  const url = new URL(request.url, settings.issuer);
  if (!url.pathname.startsWith('/interaction/')) return provider.callback()(request, response);
  try {
    const { params, session, prompt } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') {
      return await provider.interactionFinished(request, response, {
        login: { accountId: params.login_hint.split('@')[0] },
      });
    }
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    return await provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
  } catch (error) {
    response.statusCode = 500;
    return response.end(String(error));
  }
});
server.listen(Number(new URL(settings.issuer).port), '127.0.0.1', () => console.log('ready'));
