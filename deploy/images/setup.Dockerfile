# What runs once before the services: secrets are made and handed out, databases and their roles are made. It serves nobody.
# The context is the root of the repository: docker build -f deploy/images/setup.Dockerfile .
ARG PYTHON_IMAGE=python:3.13-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
# It needs two of auth's packages; the same layer serves both images.
COPY deploy/requirements/auth.txt /build/requirements.txt
RUN python -m venv --without-pip /opt/chatire \
 && pip --python /opt/chatire/bin/python install --no-cache-dir --require-hashes --only-binary :all: -r /build/requirements.txt
# The keys and passwords are made by the same code as on a machine without containers.
COPY deploy/local/chatire_local/__init__.py deploy/local/chatire_local/checkout.py deploy/local/chatire_local/data_folder.py \
     deploy/local/chatire_local/errors.py deploy/local/chatire_local/keyring.py /opt/chatire/src/chatire_local/
COPY deploy/compose/chatire_setup/ /opt/chatire/src/chatire_setup/
# As in the services' images: the layer of the packages above is the same.
RUN find /opt/chatire/lib \( -name '*.po' -o -name '*.mo' -o -name '*.pyi' \) -delete \
 && find /opt/chatire/lib -depth -type d \( -name tests -o -name test -o -name static \) -not -path '*/django/test' -exec rm -rf {} + \
 && chmod -R a+rX /opt/chatire && python -m compileall -q /opt/chatire

FROM ${PYTHON_IMAGE}
# A new volume takes over owner and mode of the folder it is mounted on. Those that are handed out belong to the one who
# writes (10000) and are open to the group of the one who reads; setgid gives what is written to that group, without root.
RUN python -m pip uninstall -y -q --root-user-action=ignore pip && rm -rf /usr/local/lib/python3*/ensurepip \
 && useradd --uid 10000 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin chatire \
 && install -d -o 10000 -g 10000 -m 0700 /kept \
 && install -d -o 10000 -g 10001 -m 2750 /handed/auth /handed/auth-owner \
 && install -d -o 10000 -g 10002 -m 2750 /handed/messages /handed/messages-owner /handed/relay \
 && install -d -o 10000 -g 10003 -m 2750 /handed/gateway \
 && install -d -o 10000 -g 10005 -m 2750 /handed/redis \
 && install -d -o 10000 -g 999 -m 2750 /handed/postgres
COPY --from=build /opt/chatire /opt/chatire
ENV PATH=/opt/chatire/bin:/usr/local/bin:/usr/bin:/bin PYTHONPATH=/opt/chatire/src \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 LC_ALL=C.UTF-8
WORKDIR /opt/chatire
USER 10000:10000
CMD ["python", "-m", "chatire_setup.secrets"]
ARG VERSION=unknown
ARG REVISION=unknown
LABEL org.opencontainers.image.title="chatire-setup" org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="$VERSION" org.opencontainers.image.revision="$REVISION"
