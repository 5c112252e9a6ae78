# Stands in for apache/kafka: the same version's jars on Debian's Java, with the image's user, variables and volumes.
FROM lofty-ghl-stand-in/debian
LABEL stand-in="Kafka's own jars on Debian's Java, not Apache's image"
RUN useradd --uid 1000 appuser && mkdir -p /opt/kafka/config /etc/kafka/secrets /mnt/shared/config /var/lib/kafka/data \
 && chown -R appuser /opt/kafka /etc/kafka /mnt/shared /var/lib/kafka
COPY jars /opt/kafka/libs
COPY run.py /etc/kafka/docker/run
USER appuser
EXPOSE 9092
VOLUME ["/etc/kafka/secrets", "/var/lib/kafka/data", "/mnt/shared/config"]
CMD ["python3", "/etc/kafka/docker/run"]
