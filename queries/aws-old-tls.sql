-- title: AWS calls with old TLS
-- description: Calls over TLS older than a version, by who should upgrade what.
-- param: older_than double 1.2 — versions below it are listed
-- param: since timestamp 7d — from when on
SELECT eventSource, tlsDetails.tlsVersion, userIdentity.arn, userAgent, count(*) AS calls
FROM $EDS_ID
WHERE tlsDetails.tlsVersion LIKE 'TLSv%' AND TRY_CAST(replace(tlsDetails.tlsVersion, 'TLSv', '') AS double) < :older_than AND eventTime >= :since
GROUP BY 1, 2, 3, 4
ORDER BY calls DESC, eventSource
