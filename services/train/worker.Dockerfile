# A worker that trains in a process of its own: the model container with the train service beside it. Where SageMaker trains,
# the worker is the train image alone. Context: the repository's root.
#
#   docker build -f services/train/worker.Dockerfile -t bandmate/train-worker:dev .
#
# Two environments, each as its own image has it: torch is in the trainer's, the queue and the database in the worker's.
ARG TRAIN_IMAGE=bandmate/train:dev
ARG MODEL_IMAGE=bandmate/model:dev

FROM ${TRAIN_IMAGE} AS service

FROM ${MODEL_IMAGE}
USER root
RUN install -d -o 10001 -g 10001 /var/lib/bandmate /var/lib/bandmate/models /var/lib/bandmate/store
COPY --from=service /opt/bandmate /opt/bandmate-train
ENV BANDMATE_SERVICE=train BANDMATE_MODE=service BANDMATE_HOST=0.0.0.0 BANDMATE_HOME=/var/lib/bandmate \
    BANDMATE_TRAINER_COMMAND="/opt/bandmate/bin/python -m bandmate_model train"
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s CMD ["/opt/bandmate-train/bin/python", "-m", "bandmate_shared.service", "healthcheck"]
ENTRYPOINT ["/opt/bandmate-train/bin/python", "-m", "bandmate_shared.service"]
CMD ["worker"]
ARG VERSION=dev
ARG REVISION=unknown
LABEL org.opencontainers.image.title="Bandmate train worker" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 10001:10001
