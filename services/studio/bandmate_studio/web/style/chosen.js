/** What the steps hand on: the dataset to train on, and the model that came out. */
import { createStore } from "../app/store.js";

export const chosen = createStore(/** @type {{dataset: string, model: string}} */ ({ dataset: "", model: "" }));
