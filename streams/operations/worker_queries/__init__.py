"""Questions that operators' commands ask a running worker over Kafka, such as what GHL holds of a lead."""
