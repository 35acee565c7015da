/** Asks for an API key where the platform needs one. */
import { html, useState } from "../app/html.js";
import { t } from "../app/text.js";
import { Field, ProblemNote } from "../app/parts.js";
import { signIn } from "../app/api.js";

export function SignIn() {
  const [key, setKey] = useState("");
  const [problem, setProblem] = useState(/** @type {unknown} */ (null));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setProblem(null);
    await signIn(key).catch(setProblem);
  };
  return html`<section class="narrow card">
    <h1>${t("signin.title")}</h1>
    <p>${t("signin.text")}</p>
    <form onSubmit=${submit}>
      <${Field} label=${t("signin.key")} hint=${t("signin.hint")} wide>
        ${(/** @type {any} */ ids) => html`<input ...${ids} data-testid="api-key" type="password" autocomplete="off" spellcheck=${false} required value=${key}
          onInput=${(/** @type {any} */ event) => setKey(event.target.value)} />`}
      <//>
      <${ProblemNote} problem=${problem} />
      <button class="primary" data-testid="sign-in">${t("signin.submit")}</button>
    </form>
  </section>`;
}
