/** Own style: files become a dataset, a dataset becomes a model, a model is listened to and used. */
import { html } from "../app/html.js";
import { t } from "../app/text.js";
import { DatasetStep } from "../style/dataset.js";
import { TrainingStep } from "../style/training.js";
import { ModelsStep } from "../style/models.js";

export function OwnStyle() {
  return html`<h1>${t("style.title")}</h1>
    <p class="lead">${t("style.text")}</p>
    <div class="steps"><${DatasetStep} /><${TrainingStep} /><${ModelsStep} /></div>`;
}
