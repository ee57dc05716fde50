package sqlfront

import "strings"

// The columns of CloudTrail Lake's event data stores and of AWS's table for
// Athena, in their order, with their types.

// identityShapes are the parts of userIdentity that both have.
const (
	storedIdentity = `"userIdentity"`
	storedContext  = `"userIdentity"."sessionContext"`
)

func issuerShape() shape {
	row := storedContext + `."sessionIssuer"`
	return rowShape("sessionissuer", row+" IS NOT NULL", storedShapes(row, "type", "principalId", "arn", "accountId", "userName")...)
}

func federationShape() shape {
	const path = "userIdentity.sessionContext.webIdFederationData"
	return rowShape("webidfederationdata", path, textShape("federatedprovider", path+".federatedProvider"), mapShape("attributes", path+".attributes"))
}

func lakeShapes() []shape {
	attributes := storedContext + `."attributes"`
	const context = "userIdentity.sessionContext."
	identity := append(storedShapes(storedIdentity, "type", "principalId", "arn", "accountId", "accessKeyId", "userName"),
		rowShape("sessioncontext", storedContext+" IS NOT NULL",
			rowShape("attributes", attributes+" IS NOT NULL",
				storedShape("creationdate", timestampType, "TRY_CAST("+attributes+`."creationDate" AS TIMESTAMP)`),
				storedShape("mfaauthenticated", varcharType, attributes+`."mfaAuthenticated"`)),
			issuerShape(), federationShape(),
			textShape("sourceidentity", context+"sourceIdentity"), textShape("ec2roledelivery", context+"ec2RoleDelivery"), textShape("ec2issuedinvpc", context+"ec2IssuedInVpc")),
		storedShape("invokedby", varcharType, storedIdentity+`."invokedBy"`),
		textShape("identityprovider", "userIdentity.identityProvider"), textShape("credentialid", "userIdentity.credentialId"),
		rowShape("onbehalfof", "userIdentity.onBehalfOf", textShapes("userIdentity.onBehalfOf.", "userId", "identityStoreArn")...),
		rowShape("inscopeof", "userIdentity.inScopeOf", textShapes("userIdentity.inScopeOf.", "sourceArn", "sourceAccount", "issuerType", "credentialsIssuedTo")...))
	resource := &Type{Kind: Struct, Fields: []Field{{Name: "accountid", Type: varcharType}, {Name: "type", Type: varcharType}, {Name: "arn", Type: varcharType}, {Name: "arnprefix", Type: varcharType}}}
	tags := &Type{Kind: Struct, Fields: []Field{{Name: "arn", Type: varcharType}, {Name: "tags", Type: textMap}}}
	tagContext := &Type{Kind: Struct, Fields: []Field{{Name: "resourcetags", Type: &Type{Kind: Array, Elem: tags}}, {Name: "principaltags", Type: textMap}}}
	eventContext := &Type{Kind: Struct, Fields: []Field{{Name: "requestcontext", Type: textMap}, {Name: "tagcontext", Type: tagContext}}}
	stored := func(name string) shape { return storedShape(strings.ToLower(name), varcharType, Quote(name)) }
	list := []shape{
		stored("eventVersion"),
		rowShape("useridentity", storedIdentity+" IS NOT NULL", identity...),
		storedShape("eventtime", timestampType, `"eventTime"`),
		stored("eventSource"), stored("eventName"), stored("awsRegion"), stored("sourceIPAddress"), stored("userAgent"), stored("errorCode"), stored("errorMessage"),
		mapShape("requestparameters", `"requestParameters"`), mapShape("responseelements", `"responseElements"`), mapShape("additionaleventdata", "additionalEventData"),
		stored("requestID"), stored("eventID"),
		storedShape("readonly", booleanType, `"readOnly"`),
		storedShape("resources", &Type{Kind: Array, Elem: resource},
			`list_transform("resources", lambda r: {'accountid': r."accountId", 'type': r."type", 'arn': r."ARN", 'arnprefix': CAST(NULL AS VARCHAR)})`),
		stored("eventType"), textShape("apiversion", "apiVersion"),
		storedShape("managementevent", booleanType, `"managementEvent"`),
		stored("recipientAccountId"), textShape("sharedeventid", "sharedEventID"), textShape("annotation", "annotation"),
		textShape("vpcendpointid", "vpcEndpointId"), textShape("vpcendpointaccountid", "vpcEndpointAccountId"),
		mapShape("serviceeventdetails", `"serviceEventDetails"`), mapShape("addendum", "addendum"), mapShape("edgedevicedetails", "edgeDeviceDetails"), mapShape("insightdetails", "insightDetails"),
		stored("eventCategory"), tlsShape(), textShape("sessioncredentialfromconsole", "sessionCredentialFromConsole"),
		storedShape("eventjson", varcharType, record), missingShape("eventjsonchecksum", varcharType), missingShape("eventcontext", eventContext),
	}
	for _, s := range []shape{eventDataShape(), rowShape("metadata", "metadata", textShapes("metadata.", "ingestionTime", "channelARN")...)} {
		s.hidden = true
		list = append(list, s)
	}
	return list
}

func tlsShape() shape {
	return rowShape("tlsdetails", "tlsDetails", textShapes("tlsDetails.", "tlsVersion", "cipherSuite", "clientProvidedHostHeader")...)
}

// eventDataShape is what a store of AWS Config's items and one of other
// products' events have besides.
func eventDataShape() shape {
	fields := textShapes("eventData.", "configurationItemVersion", "configurationItemCaptureTime", "configurationItemStatus", "configurationItemStateId", "accountId", "resourceType", "resourceId",
		"resourceName", "arn", "awsRegion", "availabilityZone", "resourceCreationTime")
	fields = append(fields, mapShape("configuration", "eventData.configuration"), mapShape("supplementaryconfiguration", "eventData.supplementaryConfiguration"), textShape("relatedevents", "eventData.relatedEvents"),
		rowShape("relationships", "eventData.relationships", textShapes("eventData.relationships.", "name", "resourceType", "resourceId", "resourceName")...), mapShape("tags", "eventData.tags"))
	fields = append(fields, textShape("version", "eventData.version"),
		rowShape("useridentity", "eventData.userIdentity", textShape("type", "eventData.userIdentity.type"), textShape("principalid", "eventData.userIdentity.principalId"), mapShape("details", "eventData.userIdentity.details")))
	fields = append(fields, textShapes("eventData.", "userAgent", "eventSource", "eventName", "eventTime", "UID")...)
	fields = append(fields, mapShape("requestparameters", "eventData.requestParameters"), mapShape("responseelements", "eventData.responseElements"))
	fields = append(fields, textShapes("eventData.", "errorCode", "errorMessage", "sourceIPAddress", "recipientAccountId")...)
	return rowShape("eventdata", "eventData", append(fields, mapShape("additionaleventdata", "eventData.additionalEventData"))...)
}

func athenaShapes() []shape {
	attributes := storedContext + `."attributes"`
	stored := func(name string) shape { return storedShape(strings.ToLower(name), varcharType, Quote(name)) }
	identity := append(storedShapes(storedIdentity, "type", "principalId", "arn", "accountId", "invokedBy", "accessKeyId", "userName"),
		rowShape("onbehalfof", "userIdentity.onBehalfOf", textShapes("userIdentity.onBehalfOf.", "userId", "identityStoreArn")...),
		rowShape("sessioncontext", storedContext+" IS NOT NULL",
			rowShape("attributes", attributes+" IS NOT NULL", storedShapes(attributes, "mfaAuthenticated", "creationDate")...),
			issuerShape(), textShape("ec2roledelivery", "userIdentity.sessionContext.ec2RoleDelivery"), federationShape()))
	resource := &Type{Kind: Struct, Fields: []Field{{Name: "arn", Type: varcharType}, {Name: "accountid", Type: varcharType}, {Name: "type", Type: varcharType}}}
	list := []shape{
		stored("eventVersion"),
		rowShape("useridentity", storedIdentity+" IS NOT NULL", identity...),
		storedShape("eventtime", varcharType, `strftime("eventTime", '%Y-%m-%dT%H:%M:%SZ')`),
		stored("eventSource"), stored("eventName"), stored("awsRegion"), stored("sourceIPAddress"), stored("userAgent"), stored("errorCode"), stored("errorMessage"),
		stored("requestParameters"), stored("responseElements"), textShape("additionaleventdata", "additionalEventData"), stored("requestID"), stored("eventID"),
		storedShape("readonly", varcharType, `CAST("readOnly" AS VARCHAR)`),
		storedShape("resources", &Type{Kind: Array, Elem: resource}, `list_transform("resources", lambda r: {'arn': r."ARN", 'accountid': r."accountId", 'type': r."type"})`),
		stored("eventType"), textShape("apiversion", "apiVersion"), stored("recipientAccountId"), stored("serviceEventDetails"), textShape("sharedeventid", "sharedEventID"),
		textShape("vpcendpointid", "vpcEndpointId"), textShape("vpcendpointaccountid", "vpcEndpointAccountId"), stored("eventCategory"),
		rowShape("addendum", "addendum", textShapes("addendum.", "reason", "updatedFields", "originalRequestID", "originalEventID")...),
		textShape("sessioncredentialfromconsole", "sessionCredentialFromConsole"), textShape("edgedevicedetails", "edgeDeviceDetails"), tlsShape(),
		storedShape("timestamp", varcharType, `strftime("eventTime", '%Y/%m/%d')`),
	}
	// Tables that were made before partition projection have these instead.
	for _, s := range []shape{storedShape("region", varcharType, `"awsRegion"`), storedShape("account", varcharType, `"recipientAccountId"`), storedShape("year", varcharType, `strftime("eventTime", '%Y')`),
		storedShape("month", varcharType, `strftime("eventTime", '%m')`), storedShape("day", varcharType, `strftime("eventTime", '%d')`)} {
		s.hidden = true
		list = append(list, s)
	}
	return list
}
