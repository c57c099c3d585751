// Shows /openapi.json, and lets it be tried out. Nothing goes to another host, and nothing outlives the tab: a token
// that is entered is forgotten with it.

SwaggerUIBundle({
    dom_id: '#docs',
    url: 'openapi.json',
    presets: [SwaggerUIBundle.presets.apis],
    validatorUrl: null,
    queryConfigEnabled: false,
    persistAuthorization: false,
    deepLinking: false,
    tryItOutEnabled: true,
    displayRequestDuration: true,
    defaultModelsExpandDepth: 0,
    syntaxHighlight: { theme: 'idea' }
});
